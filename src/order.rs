//! What happened to an order, and what follows from it.

pub mod event;

pub use event::{Fact, OrderEvent, TimePrecision};
