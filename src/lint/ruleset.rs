//! The engine: fields to views, views to passages, passages to concepts, concepts to findings.

use std::{ops::Range, sync::OnceLock};

use sha2::{Digest, Sha256};

use super::{
    Diagnostic, Draft, Field, Profile, Rule,
    concept::Concept,
    diagnostic::line_and_column,
    lexicon::{ANY_LANGUAGE, Found, Language, LexiconError, Lexicons, Matcher, Meaning, Wanted},
    passage::{Passage, TokenKind, tokenize},
    read::{Gate, Link, Reading, Surface, View, read},
    rules::{Findings, Place},
    scene::{Scene, Text},
    severity::severity,
};

/// Raised by hand whenever the meaning of the code changes, so that a stored version tells
/// which rules a mail was judged by.
const CODE_VERSION: &str = "2";

const SHIPPED: [&str; 9] = [
    include_str!("../../config/compliance/common.toml"),
    include_str!("../../config/compliance/en.toml"),
    include_str!("../../config/compliance/de.toml"),
    include_str!("../../config/compliance/pl.toml"),
    include_str!("../../config/compliance/fr.toml"),
    include_str!("../../config/compliance/es.toml"),
    include_str!("../../config/compliance/nl.toml"),
    include_str!("../../config/compliance/cs.toml"),
    include_str!("../../config/compliance/ru.toml"),
];

/// The rules with the lexicons they read by. Building one takes some milliseconds; build it once.
#[derive(Debug)]
pub struct RuleSet {
    lexicons: Lexicons,
    matcher: Matcher,
    version: String,
}

impl RuleSet {
    /// The shipped lexicons, built on first use.
    ///
    /// # Panics
    ///
    /// Never: the shipped lexicons are compiled in, and a test reads them.
    pub fn shipped() -> &'static Self {
        static SHIPPED_SET: OnceLock<RuleSet> = OnceLock::new();
        #[expect(
            clippy::expect_used,
            reason = "the shipped lexicons are compiled in and read by a test"
        )]
        SHIPPED_SET.get_or_init(|| Self::with_extra(&[]).expect("the shipped lexicons are valid"))
    }

    /// The shipped lexicons, extended by the texts of further lexicon files.
    pub fn with_extra(extra: &[&str]) -> Result<Self, LexiconError> {
        let mut lexicons = Lexicons::default();
        let mut hash = Sha256::new();
        hash.update(CODE_VERSION);
        for text in SHIPPED.iter().chain(extra) {
            lexicons.add(text)?;
            hash.update(text.as_bytes());
            hash.update([0]);
        }
        let digest = hash.finalize();
        let short = digest
            .iter()
            .take(6)
            .fold(0_u64, |n, b| n << 8 | u64::from(*b));
        Ok(Self {
            matcher: Matcher::new(lexicons.patterns().to_vec()),
            version: format!("{CODE_VERSION}-{short:012x}"),
            lexicons,
        })
    }

    /// Names the rules and lexicons a text was judged by: `1-3fa9c02b7d11`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Reads all fields of a draft. Diagnostics come by field, place and rule.
    pub fn check(&self, draft: &Draft<'_>, profile: &Profile) -> Vec<Diagnostic> {
        let masked = draft.masked();
        let mut diagnostics = Vec::new();
        for (index, field) in draft.fields.iter().enumerate() {
            let reading = read(field, &masked);
            self.check_field(index, field, &reading, profile, &mut diagnostics);
        }
        diagnostics
    }

    fn check_field(
        &self,
        index: usize,
        field: &Field<'_>,
        reading: &Reading,
        profile: &Profile,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let mut report = FieldReport {
            names_site: reading.links.iter().any(leads_to_review_site),
            ..FieldReport::default()
        };
        for view in &reading.views {
            self.check_view(view, profile, &reading.gates, &mut report);
        }
        if !reading.gates.is_empty() {
            let mut findings = Findings::default();
            for rule in Rule::ALL {
                if let Some(check) = rule.about().gates {
                    check(&report.asks, &reading.gates, &mut findings);
                }
            }
            report.take(findings, None, Surface::Visible);
        }
        report
            .found
            .sort_by_key(|(rule, span, _)| (span.start, *rule, span.end));
        // A branch is read alone and joined: of two findings at one start the longer says more.
        report.found.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0 && later.1.start == earlier.1.start;
            if same {
                earlier.1.end = earlier.1.end.max(later.1.end);
            }
            same
        });
        for (rule, span, surface) in report.found {
            let severity = severity(rule, profile, report.names_site);
            let mut diagnostic = self.diagnostic(rule, severity, index, field, span, profile);
            match surface {
                Surface::Visible => {}
                Surface::Hidden => diagnostic
                    .message
                    .push_str(" (in text the buyer does not see)"),
                Surface::Attribute => diagnostic
                    .message
                    .push_str(" (in the text of an attribute)"),
            }
            diagnostics.push(diagnostic);
        }
    }

    fn check_view(&self, view: &View, profile: &Profile, gates: &[Gate], report: &mut FieldReport) {
        let language = profile.locale.language();
        let passage = tokenize(&view.glyphs, language == "ru", &|word| {
            self.matcher.knows(word)
        });
        let mut found = self.matcher.triggers(&passage);
        let has_rows = || {
            passage
                .tokens
                .iter()
                .any(|t| matches!(t.kind, TokenKind::Stars { .. }))
        };
        if found.is_empty() && !has_rows() {
            return;
        }
        let languages = self.lexicons.languages();
        let own = languages.iter().position(|l| l.code == language);
        // In a mail of one language a sentence is read in another only when it looks like that
        // other: words of one language can be names in the next.
        let is_foreign = |index: usize| own.is_some_and(|own| own != index);
        let is_read = |index: usize| match own {
            Some(own) if own != index => found_sentences(&found, &passage, index).any(|sentence| {
                looks_more_like(&passage, sentence, &languages[index], &languages[own])
            }),
            _ => true,
        };
        let read: Vec<usize> = (0..languages.len())
            .filter(|&index| is_read(index))
            .collect();
        let mut wanted = Wanted::none();
        for index in &read {
            wanted.add(language_index(*index));
        }
        self.matcher.context(&passage, &wanted, &mut found);
        report.names_site |= found
            .iter()
            .any(|f| f.meaning == Meaning::Concept(Concept::Site));
        for index in read {
            let text = Text::new(&passage, profile.kind, &found, language_index(index));
            let mut findings = Findings::default();
            for scene in text.scenes().filter(|scene| !scene.is_empty()) {
                if let Some(own) = own.filter(|own| *own != index)
                    && !looks_more_like(
                        &passage,
                        scene.sentence(),
                        &languages[index],
                        &languages[own],
                    )
                {
                    continue;
                }
                if !gates.is_empty()
                    && let Some(ask) = scene.ask()
                {
                    report
                        .asks
                        .extend(source_span(&passage, ask.first, ask.last));
                }
                judge(scene, &mut findings);
            }
            if !is_foreign(index) {
                for rule in Rule::ALL {
                    if let Some(check) = rule.about().text {
                        check(&text, &mut findings);
                    }
                }
            }
            report.take(findings, Some(&passage), view.surface);
        }
    }

    fn diagnostic(
        &self,
        rule: Rule,
        severity: super::Severity,
        index: usize,
        field: &Field<'_>,
        span: Range<usize>,
        profile: &Profile,
    ) -> Diagnostic {
        let (line, column) = line_and_column(field.text, span.start);
        let about = rule.about();
        let suggestion = self
            .lexicons
            .languages()
            .iter()
            .find(|l| l.code == profile.locale.language())
            .and_then(|l| l.suggestion(rule.code()))
            .unwrap_or(about.instead);
        Diagnostic {
            rule,
            severity,
            field: index,
            field_kind: Some(field.kind),
            source: field.name.map(str::to_owned),
            line,
            column,
            excerpt: field.text.get(span.clone()).unwrap_or_default().to_owned(),
            span,
            message: about.why.to_owned(),
            suggestion: suggestion.to_owned(),
        }
    }
}

/// What was found in a field so far.
#[derive(Debug, Default)]
struct FieldReport {
    found: Vec<(Rule, Range<usize>, Surface)>,
    /// Where the field asks for a review; collected only for templates with gates.
    asks: Vec<Range<usize>>,
    names_site: bool,
}

impl FieldReport {
    fn take(&mut self, findings: Findings, passage: Option<&Passage>, surface: Surface) {
        for (rule, place) in findings.found {
            let span = match place {
                Place::Source(range) => Some(range),
                Place::Tokens(first, last) => passage.and_then(|p| source_span(p, first, last)),
            };
            self.found.extend(span.map(|span| (rule, span, surface)));
        }
    }
}

fn judge(scene: Scene<'_>, findings: &mut Findings) {
    for rule in Rule::ALL {
        if let Some(check) = rule.about().sentence {
            check(scene, findings);
        }
    }
}

fn language_index(index: usize) -> u8 {
    u8::try_from(index).unwrap_or(ANY_LANGUAGE)
}

/// The sentences in which a word of a language was found.
fn found_sentences<'f>(
    found: &'f [Found],
    passage: &'f Passage,
    language: usize,
) -> impl Iterator<Item = usize> + 'f {
    found
        .iter()
        .filter(move |f| usize::from(f.language) == language)
        .filter_map(|f| passage.tokens.get(f.first as usize))
        .map(|token| token.sentence as usize)
        .scan(None, |last, sentence| {
            let is_new = last.replace(sentence) != Some(sentence);
            Some(is_new.then_some(sentence))
        })
        .flatten()
}

/// Whether a sentence has more small words of one language than of another.
fn looks_more_like(passage: &Passage, sentence: usize, this: &Language, other: &Language) -> bool {
    let Some(sentence) = passage.sentences.get(sentence) else {
        return false;
    };
    let (mut these, mut others) = (0_u32, 0_u32);
    for token in sentence.first as usize..sentence.end as usize {
        let word = passage.word(token);
        these += u32::from(this.is_function_word(word));
        others += u32::from(other.is_function_word(word));
    }
    these > others
}

/// The bytes of the source some tokens came from. Bidi overrides and branches can put a later
/// token at an earlier place, so all of them are looked at.
fn source_span(passage: &Passage, first: u32, last: u32) -> Option<Range<usize>> {
    let tokens = passage.tokens.get(first as usize..=last as usize)?;
    let start = tokens.iter().map(|t| t.source_start).min()?;
    let end = tokens.iter().map(|t| t.source_end).max()?;
    Some(start as usize..end as usize)
}

/// Hosts of review sites outside every channel.
const REVIEW_HOSTS: &[&str] = &[
    "trustpilot.",
    "g.page",
    "yelp.",
    "trustedshops.",
    "tripadvisor.",
    "sitejabber.",
    "reviews.io",
    "opineo.",
    "ceneo.",
    "heureka.",
    "kiyoh.",
    "avis-verifies.",
    "idealo.",
    "search.google.",
    "maps.google.",
    "google.com/maps",
    "maps.app.goo.gl",
    "otzovik.",
    "irecommend.",
    "webwinkelkeur.",
    "feedbackcompany.",
    "provenexpert.",
    "ekomi.",
];

fn leads_to_review_site(link: &Link) -> bool {
    let target = link.target.to_ascii_lowercase();
    let address = target
        .split_once("://")
        .map_or(target.as_str(), |(_, rest)| rest);
    let address = address.split(['?', '#']).next().unwrap_or(address);
    REVIEW_HOSTS.iter().any(|host| address.contains(host))
}
