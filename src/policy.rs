//! What may be sent: the channel's permissions, the legal basis, and caps per buyer.
//!
//! Pure: answers from the built-in table, the seller's settings and what is passed in. Checked
//! when a mail is planned and again when it is sent. Start with [`Policy::check`].

pub mod basis;
pub mod cap;
pub mod channel;
pub mod rules;
pub mod table;

pub use basis::{BasisSettings, Claim, MarketplaceBasis, NoBasis};
pub use cap::{Cap, cap_frees_at};
pub use channel::{Override, OverrideError, Policy, Ruling};
pub use rules::{Permission, Rule};
pub use table::rule;
