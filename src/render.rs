//! From order to mail: what a message is made of.

pub mod mime;
