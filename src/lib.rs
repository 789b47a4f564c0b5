//! afternote: a self-hosted post-purchase e-mail sequencer.
//!
//! It knows every order of a seller's channels, decides with one pure function which
//! mail each buyer should get, when, and why, and carries that decision out so that
//! nothing is lost and nothing goes twice. `ARCHITECTURE.md` draws the map and says in
//! which order to read the modules.

pub mod cli;
pub mod clock;
pub mod config;
pub mod deliver;
pub mod engine;
pub mod intake;
pub mod lint;
pub mod mail;
pub mod order;
pub mod plan;
pub mod policy;
pub mod render;
pub mod sequence;
pub mod service;
pub mod store;
pub mod web;
