//! Orders of an invented seller, for `demo`, previews and tests.

/// placeholder
pub fn events() -> Vec<(String, crate::order::OrderEvent)> { Vec::new() }
