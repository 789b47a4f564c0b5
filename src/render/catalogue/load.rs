//! From files to a catalogue: read, put together, check, compile. Collects every fault.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use handlebars::Handlebars;
use sha2::{Digest, Sha256};

use super::{Inner, Key, Layout, Names, Template, TemplateInfo, registries};
use crate::{
    mail::{Locale, MailKind, Platform},
    render::{
        check,
        cldr::Formats,
        expand::{Expanded, Expander, Stretch, Target, Words},
        files::TemplateFiles,
        front_matter::{self, Entry, FrontMatter},
        html, markup, mjml,
        problem::{Fault, TemplateProblem, nearest},
        schema, tag, text,
    },
};

/// Which mails must be there: each kind in each locale (or its language).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// The kinds some enabled sequence sends.
    pub kinds: BTreeSet<MailKind>,
    /// The locales channels offer.
    pub locales: BTreeSet<Locale>,
}

/// What a file name says.
enum Role<'a> {
    Mail(MailKind, Locale, Option<Platform>),
    TextByHand,
    Words(Locale),
    Layout,
    Partial,
    Unknown(&'a str),
}

pub(super) fn load(files: &TemplateFiles, wanted: &Wanted) -> Result<Inner, Vec<TemplateProblem>> {
    let oversized = files.oversized();
    if !oversized.is_empty() {
        return Err(oversized);
    }
    let mut loader = Loader {
        files,
        problems: BTreeSet::new(),
        words: BTreeMap::new(),
        inner: {
            let (html, plain) = registries();
            Inner {
                html,
                plain,
                templates: BTreeMap::new(),
            }
        },
    };
    loader.read_words();
    let mails = loader.mails();
    loader.check_wanted(wanted, &mails);
    for (name, kind, locale, platform) in mails {
        loader.mail(name, kind, &locale, platform);
    }
    if loader.problems.is_empty() {
        Ok(loader.inner)
    } else {
        Err(loader.problems.into_iter().collect())
    }
}

struct Loader<'a> {
    files: &'a TemplateFiles,
    problems: BTreeSet<TemplateProblem>,
    words: BTreeMap<Locale, (String, Words)>,
    inner: Inner,
}

type Mail<'a> = (&'a str, MailKind, Locale, Option<Platform>);

fn role(name: &str) -> Role<'_> {
    let Some((folder, file)) = name.split_once('/') else {
        return Role::Unknown("template files lie in a folder of their mail kind");
    };
    match folder {
        "layout" => return Role::Layout,
        "partials" => return Role::Partial,
        "words" => {
            return match file.strip_suffix(".txt").map(str::parse) {
                Some(Ok(locale)) => Role::Words(locale),
                _ => Role::Unknown("a word list is named `<locale>.txt`"),
            };
        }
        _ => {}
    }
    let Ok(kind) = folder.parse::<MailKind>() else {
        return Role::Unknown("this folder is no mail kind");
    };
    if file.ends_with(".txt.hbs") {
        return Role::TextByHand;
    }
    let Some(stem) = file.strip_suffix(".hbs") else {
        return Role::Unknown("a mail is named `<locale>.hbs` or `<locale>.<platform>.hbs`");
    };
    let (locale, platform) = match stem.split_once('.') {
        Some((locale, platform)) => (locale, Some(platform)),
        None => (stem, None),
    };
    match (
        locale.parse::<Locale>(),
        platform.map(str::parse::<Platform>),
    ) {
        (Ok(locale), None) => Role::Mail(kind, locale, None),
        (Ok(locale), Some(Ok(platform))) => Role::Mail(kind, locale, Some(platform)),
        (Err(_), _) => Role::Unknown("the file name begins with no locale such as `de` or `de-AT`"),
        (_, Some(Err(_))) => Role::Unknown("the file name ends in no platform such as `amazon`"),
    }
}

impl<'a> Loader<'a> {
    fn fault(&mut self, file: &str, at: usize, fault: Fault) {
        let text = self.files.get(file).unwrap_or_default();
        self.problems
            .insert(TemplateProblem::at(file, text, at, fault));
    }

    fn read_words(&mut self) {
        let files = self.files;
        for (name, text) in files.iter() {
            let Role::Words(locale) = role(name) else {
                continue;
            };
            let (entries, problems) = front_matter::entries(name, text, 0, text.len());
            self.problems.extend(problems);
            let words = entries
                .into_iter()
                .map(|entry| (entry.key.clone(), (name.to_owned(), entry)))
                .collect();
            self.words.insert(locale, (name.to_owned(), words));
        }
    }

    fn mails(&mut self) -> Vec<Mail<'a>> {
        let files = self.files;
        let mut mails: Vec<Mail<'a>> = Vec::new();
        for (name, text) in files.iter() {
            match role(name) {
                Role::Mail(kind, locale, platform) => {
                    let twin = mails.iter().find(|(_, of, in_locale, on, ..)| {
                        (*of, in_locale, *on) == (kind, &locale, platform)
                    });
                    if let Some((other, ..)) = twin {
                        let message = format!("{other} is the same mail under another name");
                        self.problems.insert(TemplateProblem::of_file(
                            name,
                            Fault::new(message, "keep one of the two"),
                        ));
                    }
                    mails.push((name, kind, locale, platform));
                }
                Role::Unknown(why) => {
                    let folder = name.split('/').next().unwrap_or(name);
                    let kinds = MailKind::ALL.iter().map(|kind| kind.as_str());
                    let known = kinds.chain(["layout", "partials", "words"]);
                    self.problems.insert(TemplateProblem::of_file(
                        name,
                        Fault::new(why, nearest(folder, known)),
                    ));
                }
                Role::TextByHand => {
                    let page = name.replace(".txt.hbs", ".hbs");
                    if files.get(&page).is_none() {
                        self.problems.insert(TemplateProblem::of_file(
                            name,
                            Fault::new(format!("there is no {page} for this text"), ""),
                        ));
                    }
                }
                // What stands in a partial is checked where a mail includes it; one that no mail
                // includes must at least be readable.
                Role::Layout | Role::Partial => {
                    for (at, fault) in tag::read(text).1 {
                        self.fault(name, at, fault);
                    }
                }
                Role::Words(_) => {}
            }
        }
        mails
    }

    fn check_wanted(&mut self, wanted: &Wanted, mails: &[Mail<'_>]) {
        for kind in &wanted.kinds {
            for locale in &wanted.locales {
                let language = locale.without_region();
                let is_there = mails.iter().any(|(_, of, in_locale, platform)| {
                    of == kind
                        && platform.is_none()
                        && (in_locale == locale || *in_locale == language)
                });
                if !is_there {
                    self.problems.insert(TemplateProblem::of_file(
                        &format!("{kind}/{language}.hbs"),
                        Fault::new(
                            format!("the mail `{kind}` is not translated to `{locale}`"),
                            "add the file, or take the locale off the channel",
                        ),
                    ));
                }
            }
        }
    }

    /// The words of a locale or of its language.
    fn words_of(&self, locale: &Locale) -> (String, Words) {
        self.words
            .get(locale)
            .or_else(|| self.words.get(&locale.without_region()))
            .cloned()
            .unwrap_or_else(|| (format!("words/{}.txt", locale.language()), Words::new()))
    }

    fn mail(&mut self, name: &'a str, kind: MailKind, locale: &Locale, platform: Option<Platform>) {
        let text = self.files.get(name).unwrap_or_default();
        let head = match front_matter::read(name, text) {
            Ok(head) => head,
            Err(problems) => {
                self.problems.extend(problems);
                return;
            }
        };
        let forms = match Formats::new(locale) {
            Ok(formats) => formats.plural_forms(),
            Err(error) => {
                self.fault(name, 0, Fault::from(error.to_string()));
                return;
            }
        };
        let piece = Piece {
            name,
            text,
            head: &head,
            kind,
            forms: &forms,
            is_rtl: locale.is_rtl(),
        };
        let (words_file, words) = self.words_of(locale);
        let words = (words_file.as_str(), &words);
        let subject = self.plain(&piece, &piece.entry(&head.subject), words);
        let preheader = self.plain(&piece, &piece.entry(&head.preheader), words);
        let by_hand_name = name.replace(".hbs", ".txt.hbs");
        let files = self.files;
        let by_hand = files.get_key(&by_hand_name).map(|(file, text)| {
            let stretch = Stretch {
                file,
                text,
                at: 0,
                plain: false,
            };
            self.plain(&piece, &stretch, words)
        });
        for layout in Layout::ALL {
            let fits = platform.is_none_or(|platform| Layout::of(platform) == layout);
            if !fits {
                continue;
            }
            let Some(page) = self.page(&piece, layout, words) else {
                continue;
            };
            let text = by_hand
                .as_ref()
                .map_or_else(|| page.text.clone(), |text| text.text.clone());
            let info = TemplateInfo {
                name: name.to_owned(),
                kind,
                locale: locale.clone(),
                platform,
                description: head.description.clone(),
            };
            let head_lines = [&head.subject, &head.preheader]
                .map(|entry| piece.text[..entry.at].matches('\n').count() + 1);
            let key = Key {
                kind,
                locale: locale.clone(),
                platform,
                layout,
            };
            let parts = Parts {
                subject: &subject.text,
                preheader: &preheader.text,
                html: &page.compiled.page,
                text: &text,
            };
            self.register(
                key,
                info,
                &parts,
                by_hand.is_some(),
                page.places,
                head_lines,
            );
        }
    }

    /// Plain text with words in place, checked.
    fn plain(
        &mut self,
        piece: &Piece<'_>,
        stretch: &Stretch<'_>,
        (words_file, words): (&str, &Words),
    ) -> Expanded {
        let expanded = Expander {
            files: self.files,
            words,
            words_file,
            slots: BTreeMap::new(),
            reserved: schema::roots(),
            target: Target::Plain,
            problems: &mut self.problems,
        }
        .run(stretch);
        let (tags, _) = tag::read(&expanded.text);
        let faults = check::check(&tags, None, schema::of(piece.kind), piece.forms);
        self.report(&expanded, faults);
        expanded
    }

    fn report(&mut self, expanded: &Expanded, faults: Vec<(usize, Fault)>) {
        for (at, fault) in faults {
            let (file, at) = expanded.locate(at);
            let file = file.to_owned();
            self.fault(&file, at, fault);
        }
    }

    /// The whole page: layout, mail and partials, checked and compiled.
    fn page(
        &mut self,
        piece: &Piece<'_>,
        layout: Layout,
        (words_file, words): (&str, &Words),
    ) -> Option<Page> {
        let Some(frame) = self.files.get(layout.file()) else {
            self.problems.insert(TemplateProblem::of_file(
                layout.file(),
                Fault::new("the layout is missing", "every mail stands in it"),
            ));
            return None;
        };
        let body = Stretch {
            file: piece.name,
            text: &piece.text[piece.head.body..],
            at: piece.head.body,
            plain: false,
        };
        let slots = BTreeMap::from([
            ("body", body),
            ("subject", piece.entry(&piece.head.subject)),
            ("preheader", piece.entry(&piece.head.preheader)),
        ]);
        let before = self.problems.len();
        let expanded = Expander {
            files: self.files,
            words,
            words_file,
            slots,
            reserved: schema::roots(),
            target: Target::Markup,
            problems: &mut self.problems,
        }
        .run(&Stretch {
            file: layout.file(),
            text: frame,
            at: 0,
            plain: false,
        });
        let (tags, _) = tag::read(&expanded.text);
        let (events, faults) = markup::scan(&expanded.text, &tags);
        self.report(&expanded, faults);
        let (places, faults) = mjml::check(&expanded.text, &tags, &events);
        self.report(&expanded, faults);
        let faults = check::check(&tags, Some(&places), schema::of(piece.kind), piece.forms);
        self.report(&expanded, faults);
        // What failed a check would fail to compile as well, in less clear words.
        if self.problems.len() > before {
            return None;
        }
        let compiled = match html::compile(&expanded.text, &tags, &events, piece.is_rtl) {
            Ok(compiled) => compiled,
            Err(fault) => {
                self.fault(piece.name, piece.head.body, fault);
                return None;
            }
        };
        let places = self.places(&compiled, &expanded, &tags);
        Some(Page {
            text: text::skeleton(&expanded.text, &tags, &events),
            compiled,
            places,
        })
    }

    /// For each tag of the compiled page, by its line and column there: its file and line.
    fn places(
        &self,
        compiled: &html::Compiled,
        expanded: &Expanded,
        tags: &[tag::Tag],
    ) -> BTreeMap<(usize, usize), (String, usize)> {
        let mut places = BTreeMap::new();
        let (mut line, mut column, mut from) = (1, 1, 0);
        for (at, index) in &compiled.tags {
            for c in compiled.page[from..*at].chars() {
                if c == '\n' {
                    (line, column) = (line + 1, 1);
                } else {
                    column += 1;
                }
            }
            from = *at;
            if let Some(tag) = tags.get(*index) {
                let (file, offset) = expanded.locate(tag.start);
                let source = self.files.get(file).unwrap_or_default();
                let origin = source[..offset.min(source.len())].matches('\n').count() + 1;
                places.insert((line, column), (file.to_owned(), origin));
            }
        }
        places
    }

    fn register(
        &mut self,
        key: Key,
        info: TemplateInfo,
        parts: &Parts<'_>,
        is_text_by_hand: bool,
        places: BTreeMap<(usize, usize), (String, usize)>,
        head_lines: [usize; 2],
    ) {
        let base = format!("{}#{:?}", info.name, key.layout).to_lowercase();
        let names = Names {
            subject: format!("{base}.subject"),
            preheader: format!("{base}.preheader"),
            html: format!("{base}.html"),
            text: format!("{base}.text"),
        };
        let mut digest = Sha256::new();
        for part in [parts.subject, parts.preheader, parts.html, parts.text] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part.as_bytes());
        }
        let mut content_hash = String::with_capacity(32);
        for byte in &digest.finalize()[..16] {
            // Writing to a string cannot fail.
            let _ = write!(content_hash, "{byte:02x}");
        }
        let inner = &mut self.inner;
        let mut put = |registry: &mut Handlebars<'static>, name: &str, text: &str| {
            if let Err(error) = registry.register_template_string(name, text) {
                // The checks read a part of Handlebars' grammar; what passes them and not
                // Handlebars itself is told without a line, and no mail goes.
                self.problems.insert(TemplateProblem::of_file(
                    &info.name,
                    Fault::from(format!("handlebars cannot read it: {}", error.reason())),
                ));
            }
        };
        put(&mut inner.plain, &names.subject, parts.subject);
        put(&mut inner.plain, &names.preheader, parts.preheader);
        put(&mut inner.html, &names.html, parts.html);
        put(&mut inner.plain, &names.text, parts.text);
        inner.templates.insert(
            key,
            Template {
                info,
                content_hash,
                is_text_by_hand,
                places,
                head_lines,
                names,
            },
        );
    }
}

/// One mail file while it is loaded.
struct Piece<'a> {
    name: &'a str,
    text: &'a str,
    head: &'a FrontMatter,
    kind: MailKind,
    forms: &'a [&'a str],
    is_rtl: bool,
}

impl<'a> Piece<'a> {
    fn entry(&self, entry: &'a Entry) -> Stretch<'a> {
        Stretch {
            file: self.name_of(),
            text: &entry.value,
            at: entry.at,
            plain: true,
        }
    }

    const fn name_of(&self) -> &'a str {
        self.name
    }
}

struct Page {
    compiled: html::Compiled,
    text: String,
    places: BTreeMap<(usize, usize), (String, usize)>,
}

struct Parts<'a> {
    subject: &'a str,
    preheader: &'a str,
    html: &'a str,
    text: &'a str,
}
