//! Which MJML and HTML a template may use, and where a variable may stand in it.
//!
//! The compiler passes over tags and attributes it does not know; here each is a fault with
//! its line. The list leaves out what mail programs do not show alike, and everything that
//! loads from elsewhere: web fonts, background images, includes (email-requirements C3, C6).

mod allowed;

use allowed::{
    BLOCKS, BOX, COMPONENTS, FONT, PADDING, PHRASES, TABLE, VOID, attributes_of, fits, left_out,
};

use super::{
    markup::{Attribute, Element, Event},
    problem::{Fault, nearest},
    tag::{Tag, TagKind},
};

/// Where a Handlebars tag stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Between elements.
    Text,
    /// The whole value of `href` or `src`.
    Url,
    /// The whole value of a colour attribute.
    Color,
    /// In the value of an attribute that is read as text.
    Attribute,
}

/// Checks the whole markup of a mail; gives the place of each Handlebars tag.
pub(crate) fn check(
    text: &str,
    tags: &[Tag],
    events: &[Event],
) -> (Vec<Option<Place>>, Vec<(usize, Fault)>) {
    let mut walk = Walk {
        text,
        tags,
        stack: Vec::new(),
        places: vec![None; tags.len()],
        faults: Vec::new(),
    };
    for event in events {
        walk.event(event);
    }
    while let Some(open) = walk.stack.pop() {
        let (at, what) = match open {
            Open::Element(name, at) => (at, format!("`<{name}>` is never closed")),
            Open::Block(name, at) => (at, format!("`{{{{#{name}}}}}` is never closed")),
        };
        walk.faults.push((at, Fault::from(what)));
    }
    (walk.places, walk.faults)
}

enum Open {
    Element(String, usize),
    Block(String, usize),
}

struct Walk<'a> {
    text: &'a str,
    tags: &'a [Tag],
    stack: Vec<Open>,
    places: Vec<Option<Place>>,
    faults: Vec<(usize, Fault)>,
}

impl Walk<'_> {
    fn fault(&mut self, at: usize, message: impl Into<String>, hint: impl Into<String>) {
        self.faults.push((at, Fault::new(message, hint)));
    }

    fn parent(&self) -> Option<&str> {
        self.stack.iter().rev().find_map(|open| match open {
            Open::Element(name, _) => Some(name.as_str()),
            Open::Block(..) => None,
        })
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::Text { start, end } => self.text(*start, *end),
            Event::Tag(index) => self.tag(*index),
            Event::Open(element) => self.open(element),
            Event::Close { name, start } => self.close(name, *start),
        }
    }

    fn text(&mut self, start: usize, end: usize) {
        let text = &self.text[start..end];
        if self.parent() == Some("mj-style") {
            self.style(start, text);
        } else if !text.trim().is_empty() && !self.takes_text() {
            let at = start + text.len() - text.trim_start().len();
            let parent = self.parent().unwrap_or("the mail").to_owned();
            self.fault(
                at,
                format!("text may not stand directly in `{parent}`"),
                "put it into `<mj-text>`",
            );
        }
    }

    fn takes_text(&self) -> bool {
        !matches!(
            self.parent(),
            None | Some(
                "mjml"
                    | "mj-head"
                    | "mj-attributes"
                    | "mj-body"
                    | "mj-wrapper"
                    | "mj-section"
                    | "mj-group"
                    | "mj-column"
                    | "mj-table"
                    | "table"
                    | "thead"
                    | "tbody"
                    | "tfoot"
                    | "tr"
                    | "ul"
                    | "ol"
            )
        )
    }

    fn style(&mut self, at: usize, text: &str) {
        const REFUSED: [(&str, &str); 8] = [
            ("@import", "loads from elsewhere"),
            ("@font-face", "loads from elsewhere"),
            ("url(", "loads from elsewhere"),
            ("expression(", "is a script"),
            ("var(", "is not known to most mail programs"),
            ("position:", "is not known to most mail programs"),
            ("display:flex", "is not known to most mail programs"),
            ("display:grid", "is not known to most mail programs"),
        ];
        let packed: String = text
            .chars()
            .filter(|c| !c.is_whitespace())
            .collect::<String>()
            .to_ascii_lowercase();
        for (word, why) in REFUSED {
            if packed.contains(word)
                && !(word == "position:" && packed.contains("background-position:"))
            {
                let place = text.to_ascii_lowercase().find(word).unwrap_or(0);
                self.fault(
                    at + place,
                    format!("`{word}` in a style {why}"),
                    "leave it out",
                );
            }
        }
        if text.len() > 16 * 1024 {
            self.fault(at, "the style sheet is larger than 16 kB", "shorten it");
        }
    }

    fn tag(&mut self, index: usize) {
        let tag = &self.tags[index];
        self.places[index] = Some(Place::Text);
        match &tag.kind {
            TagKind::Open(call, _) => {
                self.stack.push(Open::Block(call.name.clone(), tag.start));
                if self.stack.len() > 4 * super::expand::MAX_NESTING {
                    self.fault(tag.start, "blocks nest too deeply", "flatten them");
                }
            }
            TagKind::Else(_) => match self.stack.last() {
                Some(Open::Block(..)) => {}
                Some(Open::Element(name, _)) => {
                    let name = name.clone();
                    self.crossed(tag.start, &name);
                }
                None => self.fault(tag.start, "`{{else}}` outside of a block", ""),
            },
            TagKind::Close(name) => match self.stack.last() {
                Some(Open::Block(open, _)) if open == name => {
                    self.stack.pop();
                }
                Some(Open::Block(open, _)) => {
                    let message = format!("`{{{{/{name}}}}}` closes `{{{{#{open}}}}}`");
                    self.fault(tag.start, message, format!("write `{{{{/{open}}}}}`"));
                    self.stack.pop();
                }
                Some(Open::Element(open, _)) => {
                    let open = open.clone();
                    self.crossed(tag.start, &open);
                    self.unwind_to_block(name);
                }
                None => self.fault(tag.start, format!("`{{{{/{name}}}}}` closes nothing"), ""),
            },
            TagKind::Value(_) if !self.takes_text() => {
                let parent = self.parent().unwrap_or("the mail").to_owned();
                self.fault(
                    tag.start,
                    format!("text may not stand directly in `{parent}`"),
                    "put it into `<mj-text>`",
                );
            }
            _ => {}
        }
    }

    fn crossed(&mut self, at: usize, element: &str) {
        self.fault(
            at,
            format!("`<{element}>` is opened in this branch and not closed in it"),
            "open and close a tag in the same branch",
        );
    }

    fn unwind_to_block(&mut self, name: &str) {
        let found = self
            .stack
            .iter()
            .rposition(|open| matches!(open, Open::Block(block, _) if block == name));
        if let Some(depth) = found {
            self.stack.truncate(depth);
        }
    }

    fn open(&mut self, element: &Element) {
        let name = element.name.as_str();
        let in_attributes = self.parent() == Some("mj-attributes");
        if let Some(groups) = attributes_of(name).or_else(|| {
            (in_attributes && matches!(name, "mj-all" | "mj-class")).then_some(&[
                PADDING,
                BOX,
                FONT,
                &["name", "width", "height", "inner-padding"],
            ] as _)
        }) {
            if !fits(self.parent(), name) {
                let parent = self.parent().unwrap_or("the mail").to_owned();
                self.fault(
                    element.start,
                    format!("`<{name}>` may not stand directly in `{parent}`"),
                    "",
                );
            }
            for attribute in &element.attributes {
                self.attribute(name, attribute, groups);
            }
            self.required(element, in_attributes);
        } else if let Some(why) = left_out(name) {
            self.fault(element.start, format!("`<{name}>` may not be used"), why);
        } else {
            let known = COMPONENTS
                .iter()
                .chain(&["mj-section", "mj-column", "mj-group", "mj-wrapper"])
                .chain(PHRASES)
                .chain(BLOCKS)
                .chain(TABLE);
            let hint = nearest(name, known.copied());
            self.fault(element.start, format!("there is no tag `<{name}>`"), hint);
        }
        if VOID.contains(&name) && !element.is_empty {
            self.fault(
                element.start,
                format!("`<{name}>` is not closed"),
                format!("write `<{name}/>`"),
            );
        } else if !element.is_empty {
            self.stack
                .push(Open::Element(name.to_owned(), element.start));
        }
    }

    fn attribute(&mut self, element: &str, attribute: &Attribute, groups: &[&[&str]]) {
        let name = attribute.name.as_str();
        if !groups.iter().any(|group| group.contains(&name)) {
            let known = groups.iter().flat_map(|group| group.iter().copied());
            let hint = nearest(name, known);
            self.fault(
                attribute.at,
                format!("`<{element}>` has no attribute `{name}`"),
                hint,
            );
        }
        let text = self.text;
        let value = &text[attribute.value.clone()];
        if name == "style" {
            self.style(attribute.value.start, value);
        }
        for index in &attribute.tags {
            self.tag_in_attribute(attribute, *index);
        }
        if matches!(name, "href" | "src") && attribute.tags.is_empty() {
            let lower = value.trim().to_ascii_lowercase();
            let is_allowed =
                lower.starts_with("https://") || (name == "href" && lower.starts_with("mailto:"));
            if !is_allowed {
                self.fault(
                    attribute.value.start,
                    format!("`{name}` must be an https address"),
                    "write `https://…` or `{{url …}}`",
                );
            }
        }
    }

    fn tag_in_attribute(&mut self, attribute: &Attribute, index: usize) {
        let tag = &self.tags[index];
        let name = attribute.name.as_str();
        let TagKind::Value(call) = &tag.kind else {
            // The layout's own aria label repeats the subject; anywhere else a branch inside an
            // attribute is too easily a broken attribute.
            self.fault(
                tag.start,
                "a block may not stand in an attribute",
                "write the whole element in each branch",
            );
            return;
        };
        let fills = attribute.value.start == tag.start && attribute.value.end == tag.end;
        let place = match name {
            "href" | "src" => Place::Url,
            "color" | "background-color" | "border-color" | "inner-background-color" => {
                Place::Color
            }
            "alt" | "title" | "aria-label" | "lang" | "dir" => Place::Attribute,
            _ => {
                self.fault(
                    tag.start,
                    format!("a variable may not stand in `{name}`"),
                    "variables may stand in text, links, `alt`, `title` and `aria-label`",
                );
                return;
            }
        };
        if place == Place::Url && !(fills && call.name == "url") {
            self.fault(
                tag.start,
                format!("a variable in `{name}` must be written with `url`"),
                format!("write `{name}=\"{{{{url …}}}}\"` and nothing else"),
            );
        }
        if place == Place::Color && !fills {
            self.fault(tag.start, format!("`{name}` takes one variable alone"), "");
        }
        self.places[index] = Some(place);
    }

    fn required(&mut self, element: &Element, in_attributes: bool) {
        let wanted: &[&str] = match element.name.as_str() {
            _ if in_attributes => &[],
            "mj-image" => &["src", "alt", "width"],
            "img" => &["src", "alt", "width", "height"],
            "mjml" => &["lang", "dir"],
            "mj-button" | "a" => &["href"],
            "th" => &["scope"],
            _ => &[],
        };
        for name in wanted {
            if element.attribute(name).is_none() {
                self.fault(
                    element.start,
                    format!("`<{}>` needs `{name}`", element.name),
                    "",
                );
            }
        }
    }

    fn close(&mut self, name: &str, at: usize) {
        match self.stack.last() {
            Some(Open::Element(open, _)) if open == name => {
                self.stack.pop();
            }
            Some(Open::Element(open, _)) => {
                let message = format!("`</{name}>` closes `<{open}>`");
                let hint = format!("write `</{open}>`");
                self.fault(at, message, hint);
                let found = self
                    .stack
                    .iter()
                    .rposition(|open| matches!(open, Open::Element(tag, _) if tag == name));
                if let Some(depth) = found {
                    self.stack.truncate(depth);
                }
            }
            Some(Open::Block(..)) => self.fault(
                at,
                format!("`</{name}>` closes a tag that another branch opened"),
                "open and close a tag in the same branch",
            ),
            None => self.fault(at, format!("`</{name}>` closes nothing"), ""),
        }
    }
}

#[cfg(test)]
#[path = "mjml/tests.rs"]
mod tests;
