//! Reads the markup of a template into events with places, Handlebars tags among them.
//!
//! MJML is XML: what a browser forgives (an unquoted attribute, an unclosed tag) would be
//! lost in compilation without a word, so it is a fault here. Variables may stand in text and
//! in quoted attribute values only (email-requirements S3).

use super::{problem::Fault, tag::Tag};

/// One thing in the markup. Offsets are bytes of the scanned text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Event {
    Text {
        start: usize,
        end: usize,
    },
    /// A Handlebars tag between elements, by its index.
    Tag(usize),
    Open(Element),
    Close {
        name: String,
        start: usize,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) start: usize,
    pub(crate) attributes: Vec<Attribute>,
    /// `<br/>`.
    pub(crate) is_empty: bool,
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes
            .iter()
            .find(|attribute| attribute.name == name)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) at: usize,
    /// Where the value stands, without its quotes.
    pub(crate) value: std::ops::Range<usize>,
    /// Indexes of the Handlebars tags in the value.
    pub(crate) tags: Vec<usize>,
}

/// The events of a text, and what is wrong with it.
pub(crate) fn scan(text: &str, tags: &[Tag]) -> (Vec<Event>, Vec<(usize, Fault)>) {
    let mut scanner = Scanner {
        text,
        tags,
        at: 0,
        next_tag: 0,
        faults: Vec::new(),
    };
    let mut events = Vec::new();
    while scanner.at < text.len() {
        if let Some(index) = scanner.tag_here() {
            events.push(Event::Tag(index));
        } else if scanner.rest().starts_with('<') {
            scanner.markup(&mut events);
        } else {
            let start = scanner.at;
            let end = scanner.until(|c| c == '<');
            if let Some(amp) = bare_ampersand(&text[start..end]) {
                scanner.faults.push((
                    start + amp,
                    Fault::new("a bare `&` in markup", "write `&amp;`"),
                ));
            }
            events.push(Event::Text { start, end });
        }
    }
    (events, scanner.faults)
}

struct Scanner<'a> {
    text: &'a str,
    tags: &'a [Tag],
    at: usize,
    next_tag: usize,
    faults: Vec<(usize, Fault)>,
}

impl Scanner<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// The Handlebars tag that starts here, passed over.
    fn tag_here(&mut self) -> Option<usize> {
        while self.tags.get(self.next_tag)?.start < self.at {
            self.next_tag += 1;
        }
        let tag = self.tags.get(self.next_tag)?;
        (tag.start == self.at).then(|| {
            self.at = tag.end;
            self.next_tag += 1;
            self.next_tag - 1
        })
    }

    /// Goes on to the first such character, the next Handlebars tag or the end.
    fn until(&mut self, stop: impl Fn(char) -> bool) -> usize {
        let limit = self.tags[self.next_tag.min(self.tags.len())..]
            .iter()
            .map(|tag| tag.start)
            .find(|start| *start >= self.at)
            .unwrap_or(self.text.len());
        let stretch = &self.text[self.at..limit];
        self.at += stretch.find(stop).unwrap_or(stretch.len());
        self.at
    }

    fn fault(&mut self, at: usize, message: impl Into<String>, hint: &str) {
        self.faults.push((at, Fault::new(message, hint)));
    }

    fn markup(&mut self, events: &mut Vec<Event>) {
        let start = self.at;
        let rest = self.rest();
        if rest.starts_with("<!--") {
            let end = rest.find("-->").map(|end| start + end + 3);
            if end.is_none() {
                self.fault(start, "a comment is not closed", "end it with `-->`");
            }
            self.skip_raw(end.unwrap_or(self.text.len()), "comment");
            return;
        }
        let is_close = rest.starts_with("</");
        self.at += 1 + usize::from(is_close);
        let name = self.name();
        if name.is_empty() {
            self.fault(start, "`<` begins no tag here", "write `&lt;`");
            self.at = start + 1;
            return;
        }
        if is_close {
            self.spaces();
            if self.rest().starts_with('>') {
                self.at += 1;
            } else {
                self.fault(self.at, format!("`</{name}` is not closed"), "add `>`");
            }
            events.push(Event::Close { name, start });
            return;
        }
        let (attributes, is_empty) = self.attributes(&name);
        let is_raw = matches!(name.as_str(), "mj-style" | "style" | "script");
        events.push(Event::Open(Element {
            name: name.clone(),
            start,
            attributes,
            is_empty,
        }));
        if is_raw && !is_empty {
            let from = self.at;
            let close = format!("</{name}>");
            let end = self.rest().find(&close).map(|end| from + end);
            if end.is_none() {
                self.fault(start, format!("`<{name}>` is not closed"), "");
            }
            self.skip_raw(end.unwrap_or(self.text.len()), "style sheet");
            events.push(Event::Text {
                start: from,
                end: self.at,
            });
        }
    }

    /// Goes to `end`; no variable may stand on the way.
    fn skip_raw(&mut self, end: usize, place: &str) {
        let inside: Vec<usize> = self
            .tags
            .iter()
            .map(|tag| tag.start)
            .filter(|at| (self.at..end).contains(at))
            .collect();
        for at in inside {
            self.fault(
                at,
                format!("a variable may not stand in a {place}"),
                "put it into text or a quoted attribute",
            );
        }
        self.at = end;
    }

    fn name(&mut self) -> String {
        let rest = self.rest();
        let length = if rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':')))
                .unwrap_or(rest.len())
        } else {
            0
        };
        let name = rest[..length].to_owned();
        self.at += length;
        name
    }

    fn spaces(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn attributes(&mut self, element: &str) -> (Vec<Attribute>, bool) {
        let mut found: Vec<Attribute> = Vec::new();
        loop {
            self.spaces();
            let at = self.at;
            if self.rest().starts_with("/>") {
                self.at += 2;
                return (found, true);
            }
            if self.rest().starts_with('>') {
                self.at += 1;
                return (found, false);
            }
            if self.rest().is_empty() || self.rest().starts_with('<') {
                self.fault(at, format!("`<{element}` is not closed"), "add `>`");
                return (found, false);
            }
            if self.tag_here().is_some() {
                self.fault(
                    at,
                    "a variable may not stand among attributes",
                    "put it into a quoted attribute value",
                );
                continue;
            }
            let name = self.name();
            if name.is_empty() {
                self.fault(at, "this is no attribute", "write `name=\"value\"`");
                self.at += self.rest().chars().next().map_or(0, char::len_utf8);
                continue;
            }
            if found.iter().any(|attribute| attribute.name == name) {
                self.fault(at, format!("`{name}` stands here twice"), "keep one");
            }
            if let Some(attribute) = self.value(name, at) {
                found.push(attribute);
            }
        }
    }

    fn value(&mut self, name: String, at: usize) -> Option<Attribute> {
        self.spaces();
        let quote = self
            .rest()
            .strip_prefix('=')
            .map(str::trim_start)
            .and_then(|rest| rest.chars().next())
            .filter(|c| matches!(c, '"' | '\''));
        let Some(quote) = quote else {
            self.fault(
                at,
                format!("the value of `{name}` is not quoted"),
                "write `name=\"value\"`",
            );
            if self.rest().starts_with('=') {
                self.at += 1;
                self.spaces();
                if self.tag_here().is_none() {
                    self.until(|c| c.is_whitespace() || c == '>');
                }
            }
            return None;
        };
        self.at += self.rest().find(quote).unwrap_or(0) + 1;
        let start = self.at;
        let mut tags = Vec::new();
        loop {
            if let Some(index) = self.tag_here() {
                tags.push(index);
                continue;
            }
            let from = self.at;
            self.until(|c| c == quote || c == '<');
            if let Some(amp) = bare_ampersand(&self.text[from..self.at]) {
                self.fault(from + amp, "a bare `&` in markup", "write `&amp;`");
            }
            if self.rest().starts_with(quote) {
                break;
            }
            if self.rest().is_empty() || self.rest().starts_with('<') {
                self.fault(
                    at,
                    format!("the value of `{name}` is not closed"),
                    "add the quote",
                );
                return None;
            }
        }
        let value = start..self.at;
        self.at += 1;
        Some(Attribute {
            name,
            at,
            value,
            tags,
        })
    }
}

/// Where an `&` stands that begins no entity.
fn bare_ampersand(text: &str) -> Option<usize> {
    text.match_indices('&').map(|(at, _)| at).find(|at| {
        let rest = &text[at + 1..];
        let end = rest.find(';').unwrap_or(0);
        let entity = &rest[..end];
        entity.is_empty()
            || entity.len() > 10
            || !entity
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'#')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::tag;

    fn faults(text: &str) -> Vec<(usize, String)> {
        let (tags, _) = tag::read(text);
        scan(text, &tags)
            .1
            .into_iter()
            .map(|(at, fault)| (at, fault.message))
            .collect()
    }

    fn check(text: &str, at: usize, words: &str) {
        let found = faults(text);
        assert!(
            found
                .iter()
                .any(|(place, message)| *place == at && message.contains(words)),
            "{text}: {found:?}"
        );
    }

    #[test]
    fn text_tags_and_elements_are_told_apart() {
        let text = "a{{x}}<p class='{{y}} b'>c &amp; d<br/></p>";
        let (tags, _) = tag::read(text);
        let (events, faults) = scan(text, &tags);
        assert_eq!(faults, []);
        assert!(matches!(events[0], Event::Text { start: 0, end: 1 }));
        assert_eq!(events[1], Event::Tag(0));
        let Event::Open(p) = &events[2] else {
            panic!("{events:?}")
        };
        assert_eq!(p.attributes[0].tags, [1]);
        assert_eq!(&text[p.attributes[0].value.clone()], "{{y}} b");
        assert!(matches!(&events[4], Event::Open(br) if br.is_empty));
        assert!(matches!(&events[5], Event::Close { name, .. } if name == "p"));
    }

    #[test]
    fn variables_outside_text_and_quotes_are_refused() {
        check("<p class={{x}}>", 3, "not quoted");
        check("<p {{x}}>", 3, "among attributes");
        check("<!-- {{x}} -->", 5, "in a comment");
        check(
            "<mj-style>a { b: {{x}} }</mj-style>",
            17,
            "in a style sheet",
        );
        check("<{{x}}>", 0, "begins no tag");
    }

    #[test]
    fn markup_a_compiler_would_lose_is_refused() {
        check("<p", 2, "not closed");
        check("<p class=x>", 3, "not quoted");
        check("<p class=\"x>y", 3, "not closed");
        check("a < b", 2, "begins no tag");
        check("a & b", 2, "bare `&`");
        check("<p a='1' a='2'>", 9, "twice");
        check("<!-- x", 0, "not closed");
    }
}
