//! What a mail is: its kind and class, addresses, locales, and the finished message.
//!
//! Pure: no I/O, no clock. Start with [`MailKind`]; [`header`] holds the rules
//! every value must pass before it may stand in a header.

pub mod address;
pub mod header;
pub mod kind;
pub mod locale;
pub mod message;
pub mod message_id;
pub mod platform;
pub mod unsubscribe;

pub use address::{Address, AddressError, Mailbox};
pub use kind::{MailClass, MailKind, UnknownMailKind};
pub use locale::{Locale, LocaleError};
pub use message::{Envelope, Message};
pub use platform::{Platform, UnknownPlatform};
