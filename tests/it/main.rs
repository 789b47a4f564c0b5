//! The one integration binary.
#![expect(clippy::unwrap_used, reason = "test code")]

mod architecture;
mod faults;
mod messages;
mod privacy;
mod promises;
mod stories;
mod support;
