//! Writes mails: templates, what they may say, and the finished subject, HTML and text.
//!
//! Owns the template files' format, their checks at load, and the contexts of each mail kind.
//! Never decides whether or when a mail goes, never reads configuration or the clock; only
//! [`files`] reads the disk. Start with [`Catalogue`], then `catalogue/load.rs` for the way of a
//! file into it, and [`context`] for the way of an order into a mail.

pub mod catalogue;
pub mod chain;
mod check;
pub mod cldr;
pub mod context;
mod expand;
pub mod files;
pub(crate) mod front_matter;
mod helpers;
mod html;
mod markup;
pub mod mime;
mod mjml;
pub mod problem;
pub mod schema;
mod tag;
mod text;

pub use catalogue::{Catalogue, TemplateInfo, Wanted};
pub use chain::LocaleChain;
pub use context::{BuildError, ContextRequest, MailContext, ShopFacts};
pub use files::TemplateFiles;
pub use problem::TemplateProblem;

use crate::mail::{Locale, MailKind};

/// A mail as its reader sees it, not yet a message.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Fit for a header: one line, no control characters, at most 200 characters (M5).
    pub subject: String,
    /// The line shown after the subject; also hidden at the top of `html`.
    pub preheader: String,
    /// The HTML part.
    pub html: String,
    /// The plain-text part.
    pub text: String,
    /// The locale of the template that was used: the one of the chain that was found.
    pub locale: Locale,
    /// The template's file: `accepted/de.hbs`.
    pub template_name: String,
    /// A hash of the template with its layout, partials and words.
    pub content_hash: String,
}

impl std::fmt::Debug for Rendered {
    /// Leaves out the texts: they are personal data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rendered")
            .field("template_name", &self.template_name)
            .field("content_hash", &self.content_hash)
            .finish_non_exhaustive()
    }
}

/// Why a mail could not be written. Never repeats a value of the mail.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// No template of the kind in any locale of the chain.
    #[error("no template for `{kind}` in {locales}; add one, or set another default locale")]
    NoTemplate {
        /// Which mail.
        kind: MailKind,
        /// The locales tried.
        locales: String,
    },
    /// A value of the mail does not fit where the template uses it.
    #[error("{file}:{line}: {reason} (in the {part})")]
    Value {
        /// The template or partial.
        file: String,
        /// The line in it; 0 where only the file is known.
        line: usize,
        /// `subject`, `preheader`, `html` or `text`.
        part: &'static str,
        /// What went wrong.
        reason: String,
    },
    /// Nothing is left of the subject.
    #[error("{file}: the subject is empty for this mail; write one that always says something")]
    EmptySubject {
        /// The template.
        file: String,
    },
    /// The mail is larger than any mail may be.
    #[error("{file}: the mail has {bytes} bytes, more than 1 MiB; list fewer items")]
    TooLarge {
        /// The template.
        file: String,
        /// How large it is.
        bytes: usize,
    },
    /// The context could not be read.
    #[error("{file}: the mail's data cannot be read")]
    Data {
        /// The template.
        file: String,
        /// What went wrong.
        #[source]
        source: serde_json::Error,
    },
}
