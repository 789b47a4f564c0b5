//! Configuration sections.

pub mod deliver;
pub mod duration;
