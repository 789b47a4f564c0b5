//! The one integration binary.
#![expect(clippy::unwrap_used, reason = "test code")]

mod architecture;
mod cli;
mod cli_check;
mod cli_demo;
mod cli_import;
mod cli_lint;
mod cli_serve;
mod cli_simulate;
mod cli_support;
mod cli_why;
mod faults;
mod messages;
mod privacy;
mod promises;
mod stories;
mod support;
