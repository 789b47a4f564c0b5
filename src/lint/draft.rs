//! What the linter is given: the texts of a mail and the circumstances it is sent in.

use crate::mail::{Locale, MailKind, Platform};

/// The texts of one mail.
#[derive(Debug, Clone, Default)]
pub struct Draft<'a> {
    /// The fields to read. They are read one by one; a mail may hold several of a kind.
    pub fields: Vec<Field<'a>>,
    /// Merge values that were filled in, by name. Names of products and people are not read;
    /// values whose name says that a seller wrote them (`seller_note`) are.
    pub vars: Vec<(&'a str, &'a str)>,
}

/// One text of a mail.
#[derive(Debug, Clone, Copy)]
pub struct Field<'a> {
    /// Which text.
    pub kind: FieldKind,
    /// The text as its author wrote it; all offsets count its bytes.
    pub text: &'a str,
    /// The file the text came from, for messages.
    pub name: Option<&'a str>,
}

/// Which text of a mail a field is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// The subject.
    Subject,
    /// The text shown after the subject in the inbox.
    Preheader,
    /// The plain-text part.
    BodyText,
    /// The HTML part.
    BodyHtml,
    /// The body of a template: MJML or HTML with Handlebars.
    Template,
}

impl FieldKind {
    /// Every kind, in declared order.
    pub const ALL: [Self; 5] = [
        Self::Subject,
        Self::Preheader,
        Self::BodyText,
        Self::BodyHtml,
        Self::Template,
    ];

    /// The stable name used in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Preheader => "preheader",
            Self::BodyText => "body_text",
            Self::BodyHtml => "body_html",
            Self::Template => "template",
        }
    }

    /// The kind a name stands for.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether the text is markup. Handlebars expressions are read in every field.
    pub(crate) const fn is_markup(self) -> bool {
        matches!(self, Self::BodyHtml | Self::Template)
    }
}

/// The circumstances a mail is sent in. They decide which rules apply and how severe they are.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The platform of the channel; unknown gets the strictest severities.
    pub platform: Option<Platform>,
    /// Which mail it is.
    pub kind: MailKind,
    /// The language the mail is written in.
    pub locale: Locale,
    /// The buyer's country, two letters. Unknown with a German mail counts as Germany.
    pub market: Option<String>,
    /// Where a review link leads.
    pub destination: Destination,
}

impl Profile {
    /// A profile of a mail whose buyer's country and review site are not known.
    pub fn new(platform: Option<Platform>, kind: MailKind, locale: Locale) -> Self {
        Self {
            platform,
            kind,
            locale,
            market: None,
            destination: Destination::Channel,
        }
    }

    /// Whether German law applies.
    pub(crate) fn is_germany(&self) -> bool {
        match &self.market {
            Some(country) => country.eq_ignore_ascii_case("de"),
            None => match self.locale.region() {
                Some(region) => region == "DE",
                None => self.locale.language() == "de",
            },
        }
    }
}

/// Where a review goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Destination {
    /// To the channel the order came from.
    #[default]
    Channel,
    /// To a review site outside the channel, by its name.
    ThirdParty(String),
}

/// Reads a mail kind: our names, and the wider names used for exchanging labelled texts
/// (`transactional`, `delay_notice`).
pub fn parse_kind(name: &str) -> Option<MailKind> {
    match name {
        "transactional" => Some(MailKind::Accepted),
        "delay_notice" => Some(MailKind::Delay),
        "canceled" => Some(MailKind::Cancelled),
        _ => name.parse().ok(),
    }
}

/// Parts of the names of merge values that hold free text of the seller.
const FREE_TEXT: &[&str] = &[
    "note",
    "message",
    "text",
    "comment",
    "greeting",
    "intro",
    "footer",
    "reason",
    "signature",
    "custom",
    "body",
    "html",
];

impl Draft<'_> {
    /// The merge values that are names and so are not read.
    pub(crate) fn masked(&self) -> Vec<&str> {
        let mut values: Vec<&str> = self
            .vars
            .iter()
            .filter(|(name, value)| {
                let name = name.to_ascii_lowercase();
                let is_free_text = name.split('_').any(|part| FREE_TEXT.contains(&part));
                // A value of a letter or a number would mask the seller's own words.
                let letters = value.chars().filter(|c| c.is_alphabetic()).take(2).count();
                !is_free_text && letters == 2
            })
            .map(|(_, value)| *value)
            .collect();
        // The longest first, so that a name inside a longer one leaves no rest of it.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values.dedup();
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_by_our_names_and_by_the_wider_ones() {
        for (name, kind) in [
            ("accepted", MailKind::Accepted),
            ("transactional", MailKind::Accepted),
            ("delay_notice", MailKind::Delay),
            ("review_request", MailKind::ReviewRequest),
        ] {
            assert_eq!(parse_kind(name), Some(kind), "{name}");
        }
        assert_eq!(parse_kind("newsletter"), None);
    }

    #[test]
    fn free_text_of_the_seller_is_read_and_names_are_not() {
        let draft = Draft {
            fields: Vec::new(),
            vars: vec![
                ("product_name", "Five Star"),
                ("seller_note", "leave 5 stars"),
                ("quantity", "5"),
            ],
        };
        assert_eq!(draft.masked(), ["Five Star"]);
    }
}
