//! Every template, checked and compiled once; one call per mail.
//!
//! Loading is all or nothing and tells every fault at once. A catalogue never changes:
//! a reload makes another one, and whoever holds the old one may finish with it.

mod load;

use std::{collections::BTreeMap, sync::Arc};

use handlebars::{Context, Handlebars};
use serde_json::Value;

use super::{
    RenderError, Rendered, chain::LocaleChain, cldr::FormatCache, context::MailContext,
    files::TemplateFiles, helpers, problem::TemplateProblem, text,
};
use crate::mail::{Locale, MailKind, Platform, header};

pub use load::Wanted;

/// The largest mail, HTML and text together (email-requirements S2).
pub const MAX_OUTPUT: usize = 1024 * 1024;
/// The longest preheader, in characters.
const MAX_PREHEADER: usize = 200;

/// The templates, ready to render. Cheap to clone, shared between threads.
#[derive(Clone)]
pub struct Catalogue {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    html: Handlebars<'static>,
    plain: Handlebars<'static>,
    templates: BTreeMap<Key, Template>,
}

/// One mail of one kind in one language, for one platform or for all without their own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    kind: MailKind,
    locale: Locale,
    platform: Option<Platform>,
    layout: Layout,
}

/// Which frame a mail stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Layout {
    /// The seller's own: name, footer, legal data, way out.
    Shop,
    /// A marketplace's relay: no contact data, no outside links (H4, H5).
    Marketplace,
}

impl Layout {
    const ALL: [Self; 2] = [Self::Shop, Self::Marketplace];

    const fn of(platform: Platform) -> Self {
        if platform.is_marketplace() {
            Self::Marketplace
        } else {
            Self::Shop
        }
    }

    const fn file(self) -> &'static str {
        match self {
            Self::Shop => "layout/shop.mjml",
            Self::Marketplace => "layout/marketplace.mjml",
        }
    }
}

struct Template {
    info: TemplateInfo,
    content_hash: String,
    is_text_by_hand: bool,
    /// Where each tag of the compiled page stands in the sources, by line and column there.
    places: BTreeMap<(usize, usize), (String, usize)>,
    /// The lines of subject and preheader.
    head_lines: [usize; 2],
    names: Names,
}

/// The names of a template's parts in the registries.
struct Names {
    subject: String,
    preheader: String,
    html: String,
    text: String,
}

/// A template as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateInfo {
    /// Its file, which is also its name: `accepted/de.hbs`.
    pub name: String,
    /// Which mail.
    pub kind: MailKind,
    /// In which language.
    pub locale: Locale,
    /// For which platform alone; `None` for all without their own.
    pub platform: Option<Platform>,
    /// What its author says about it.
    pub description: String,
}

impl std::fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Catalogue")
            .field("templates", &self.inner.templates.len())
            .finish()
    }
}

impl Catalogue {
    /// Checks and compiles the files; every fault of every file at once, or none.
    pub fn load(files: &TemplateFiles, wanted: &Wanted) -> Result<Self, Vec<TemplateProblem>> {
        load::load(files, wanted).map(|inner| Self {
            inner: Arc::new(inner),
        })
    }

    /// The compiled-in templates in all their languages; they are checked by the tests.
    pub fn embedded() -> Result<Self, Vec<TemplateProblem>> {
        Self::load(&TemplateFiles::embedded(), &Wanted::default())
    }

    /// Every template, each once.
    pub fn templates(&self) -> impl Iterator<Item = &TemplateInfo> {
        self.inner
            .templates
            .iter()
            .filter(|(key, _)| key.layout == Layout::Shop || key.platform.is_some())
            .map(|(_, template)| &template.info)
    }

    /// The template a mail would be written with, and in which locale; `None` if there is none.
    pub fn choose(
        &self,
        kind: MailKind,
        chain: &LocaleChain,
        platform: Platform,
    ) -> Option<&TemplateInfo> {
        self.find(kind, chain, platform)
            .map(|template| &template.info)
    }

    fn find(&self, kind: MailKind, chain: &LocaleChain, platform: Platform) -> Option<&Template> {
        let layout = Layout::of(platform);
        chain.locales().iter().find_map(|locale| {
            [Some(platform), None].into_iter().find_map(|platform| {
                self.inner.templates.get(&Key {
                    kind,
                    locale: locale.clone(),
                    platform,
                    layout,
                })
            })
        })
    }

    /// Writes one mail.
    pub fn render(
        &self,
        kind: MailKind,
        chain: &LocaleChain,
        platform: Platform,
        context: &MailContext,
    ) -> Result<Rendered, RenderError> {
        let template = self
            .find(kind, chain, platform)
            .ok_or_else(|| RenderError::NoTemplate {
                kind,
                locales: chain
                    .locales()
                    .iter()
                    .map(Locale::as_str)
                    .collect::<Vec<_>>()
                    .join(", "),
            })?;
        let data = data(template, chain, context)?;
        let inner = &*self.inner;
        let run = |registry: &Handlebars<'static>, name: &str, part| {
            registry
                .render_with_context(name, &data)
                .map_err(|error| template.located(&error, part))
        };
        let names = &template.names;
        let subject = header::subject(&run(&inner.plain, &names.subject, "subject")?);
        if subject.is_empty() {
            return Err(RenderError::EmptySubject {
                file: template.info.name.clone(),
            });
        }
        let preheader = run(&inner.plain, &names.preheader, "preheader")?;
        let html = run(&inner.html, &names.html, "html")?;
        let text = run(&inner.plain, &names.text, "text")?;
        let text = if template.is_text_by_hand {
            text::tidy_lines(&text)
        } else {
            text::tidy(&text)
        };
        if html.len() + text.len() > MAX_OUTPUT {
            return Err(RenderError::TooLarge {
                file: template.info.name.clone(),
                bytes: html.len() + text.len(),
            });
        }
        Ok(Rendered {
            subject,
            preheader: header::clean(&preheader, MAX_PREHEADER),
            html,
            text,
            locale: template.info.locale.clone(),
            template_name: template.info.name.clone(),
            content_hash: template.content_hash.clone(),
        })
    }
}

impl Template {
    /// A failure of Handlebars with the place in the sources it stems from.
    fn located(&self, error: &handlebars::RenderError, part: &'static str) -> RenderError {
        let at = (
            error.line_no.unwrap_or_default(),
            error.column_no.unwrap_or_default(),
        );
        let place = (part == "html")
            .then(|| self.places.range(..=at).next_back())
            .flatten()
            .map(|(_, place)| place.clone());
        let in_head = match part {
            "subject" => self.head_lines[0],
            "preheader" => self.head_lines[1],
            _ => 0,
        };
        let (file, line) = place.unwrap_or_else(|| (self.info.name.clone(), in_head));
        RenderError::Value {
            file,
            line,
            part,
            reason: error.reason().to_string(),
        }
    }
}

/// The context as Handlebars reads it, with what the template's locale adds.
fn data(
    template: &Template,
    chain: &LocaleChain,
    context: &MailContext,
) -> Result<Context, RenderError> {
    let locale = &template.info.locale;
    let mut data = serde_json::to_value(context).map_err(|source| RenderError::Data {
        file: template.info.name.clone(),
        source,
    })?;
    if let Value::Object(fields) = &mut data {
        let mut put = |key: &str, value: &str| {
            fields.insert(key.to_owned(), Value::String(value.to_owned()));
        };
        put("lang", locale.as_str());
        put("dir", if locale.is_rtl() { "rtl" } else { "ltr" });
        put(helpers::FORMAT_LOCALE, chain.format_locale(locale).as_str());
    }
    Ok(Context::from(data))
}

fn registries() -> (Handlebars<'static>, Handlebars<'static>) {
    let formats: Arc<FormatCache> = Arc::default();
    let make = || {
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        helpers::register(&mut registry, &formats);
        registry
    };
    let (mut html, mut plain) = (make(), make());
    html.register_escape_fn(helpers::escape_html);
    plain.register_escape_fn(handlebars::no_escape);
    (html, plain)
}

#[cfg(test)]
mod tests;
