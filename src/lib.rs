//! afternote: a self-hosted post-purchase e-mail sequencer.
//!
//! It knows every order of a seller's channels, decides with one pure function which
//! mail each buyer should get, when, and why, and carries that decision out so that
//! nothing is lost and nothing goes twice. `ARCHITECTURE.md` draws the map; the
//! modules below stand in suggested reading order.

pub mod clock;
pub mod lint;
pub mod mail;
pub mod order;
pub mod sequence;
