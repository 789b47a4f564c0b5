//! The one integration binary.
#![expect(clippy::unwrap_used, reason = "test code")]

mod architecture;
