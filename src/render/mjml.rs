//! Which MJML and HTML a template may use, and where a variable may stand in it.
//!
//! The compiler passes over tags and attributes it does not know; here each is a fault with
//! its line. The list leaves out what mail programs do not show alike, and everything that
//! loads from elsewhere: web fonts, background images, includes (email-requirements C3, C6).

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

const PADDING: &[&str] = &[
    "padding",
    "padding-top",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "css-class",
    "mj-class",
    "container-background-color",
];
const BOX: &[&str] = &[
    "background-color",
    "border",
    "border-top",
    "border-bottom",
    "border-left",
    "border-right",
    "border-radius",
];
const FONT: &[&str] = &[
    "align",
    "color",
    "font-family",
    "font-size",
    "font-style",
    "font-weight",
    "letter-spacing",
    "line-height",
    "text-decoration",
    "text-transform",
];
const PHRASES: &[&str] = &[
    "a", "abbr", "b", "bdi", "br", "em", "i", "s", "small", "span", "strong", "sub", "sup", "u",
];
const BLOCKS: &[&str] = &[
    "blockquote",
    "div",
    "h1",
    "h2",
    "h3",
    "h4",
    "hr",
    "li",
    "ol",
    "p",
    "ul",
];
const TABLE: &[&str] = &[
    "caption", "table", "tbody", "td", "tfoot", "th", "thead", "tr",
];
const COMPONENTS: &[&str] = &[
    "mj-button",
    "mj-divider",
    "mj-image",
    "mj-raw",
    "mj-spacer",
    "mj-table",
    "mj-text",
];
const VOID: &[&str] = &["br", "hr", "img", "meta"];

/// The attributes a tag may have, in groups; `None` for a tag that may not be used.
fn attributes_of(tag: &str) -> Option<&'static [&'static [&'static str]]> {
    Some(match tag {
        "mjml" => &[&["lang", "dir"]],
        "mj-head" | "mj-title" | "mj-preview" | "mj-attributes" | "mj-raw" | "mj-style" => &[],
        "mj-breakpoint" => &[&["width"]],
        "mj-body" => &[&["width", "background-color", "css-class"]],
        "mj-wrapper" => &[PADDING, BOX, &["full-width", "text-align"]],
        "mj-section" => &[PADDING, BOX, &["direction", "full-width", "text-align"]],
        "mj-group" => &[&[
            "width",
            "vertical-align",
            "background-color",
            "direction",
            "css-class",
            "mj-class",
        ]],
        "mj-column" => &[
            PADDING,
            BOX,
            &[
                "width",
                "vertical-align",
                "inner-background-color",
                "inner-border",
                "inner-border-radius",
                "direction",
            ],
        ],
        "mj-text" => &[PADDING, FONT, &["height"]],
        "mj-button" => &[
            PADDING,
            BOX,
            FONT,
            &[
                "href",
                "inner-padding",
                "width",
                "height",
                "rel",
                "title",
                "text-align",
                "vertical-align",
            ],
        ],
        "mj-image" => &[
            PADDING,
            BOX,
            &[
                "src",
                "alt",
                "width",
                "height",
                "href",
                "align",
                "title",
                "rel",
                "fluid-on-mobile",
            ],
        ],
        "mj-divider" => &[
            PADDING,
            &[
                "border-color",
                "border-style",
                "border-width",
                "width",
                "align",
            ],
        ],
        "mj-spacer" => &[PADDING, &["height"]],
        "mj-table" => &[
            PADDING,
            FONT,
            &[
                "border",
                "cellpadding",
                "cellspacing",
                "table-layout",
                "width",
                "role",
            ],
        ],
        "a" => &[HTML, &["href", "rel", "target"]],
        "td" | "th" => &[
            HTML,
            &[
                "align", "bgcolor", "colspan", "height", "rowspan", "scope", "valign", "width",
            ],
        ],
        "tr" => &[HTML, &["align", "valign"]],
        "table" => &[
            HTML,
            &["align", "border", "cellpadding", "cellspacing", "width"],
        ],
        "img" => &[HTML, &["src", "alt", "width", "height"]],
        "ol" => &[HTML, &["start"]],
        "meta" => &[&["name", "content"]],
        tag if PHRASES.contains(&tag) || BLOCKS.contains(&tag) || TABLE.contains(&tag) => &[HTML],
        _ => return None,
    })
}

const HTML: &[&str] = &[
    "align",
    "aria-hidden",
    "aria-label",
    "class",
    "dir",
    "lang",
    "role",
    "style",
    "title",
];

/// Known to MJML, left out here, and why.
fn left_out(tag: &str) -> Option<&'static str> {
    Some(match tag {
        "mj-font" => "web fonts load from elsewhere; use the layout's fonts",
        "mj-include" => "use `{{> name}}`",
        "mj-hero" | "mj-carousel" | "mj-accordion" | "mj-navbar" | "mj-social" => {
            "mail programs do not show it alike; use sections, text and buttons"
        }
        "script" | "form" | "input" | "button" | "iframe" | "object" | "embed" | "video"
        | "audio" | "svg" | "link" | "base" => "it has no place in a mail",
        "style" => "use `mj-style` in the layout's `mj-head`",
        _ => return None,
    })
}

/// Whether `child` may stand directly in `parent`; `None` is the top of the text.
fn fits(parent: Option<&str>, child: &str) -> bool {
    let is_html = |tag: &str| {
        PHRASES.contains(&tag) || BLOCKS.contains(&tag) || TABLE.contains(&tag) || tag == "img"
    };
    match parent {
        None => child == "mjml",
        Some("mjml") => matches!(child, "mj-head" | "mj-body"),
        Some("mj-head") => matches!(
            child,
            "mj-title" | "mj-preview" | "mj-attributes" | "mj-style" | "mj-breakpoint" | "mj-raw"
        ),
        Some("mj-attributes") => true,
        Some("mj-body") => matches!(child, "mj-section" | "mj-wrapper" | "mj-raw"),
        Some("mj-wrapper") => matches!(child, "mj-section" | "mj-raw"),
        Some("mj-section") => matches!(child, "mj-column" | "mj-group" | "mj-raw"),
        Some("mj-group") => child == "mj-column",
        Some("mj-column") => COMPONENTS.contains(&child),
        Some("mj-text" | "mj-raw") => is_html(child) || child == "meta",
        Some("mj-table" | "table") => {
            matches!(child, "tr" | "thead" | "tbody" | "tfoot" | "caption")
        }
        Some("thead" | "tbody" | "tfoot") => child == "tr",
        Some("tr") => matches!(child, "td" | "th"),
        Some("ul" | "ol") => child == "li",
        Some("mj-button" | "p" | "h1" | "h2" | "h3" | "h4" | "caption") => {
            PHRASES.contains(&child) || child == "img"
        }
        Some(tag) if PHRASES.contains(&tag) => PHRASES.contains(&child) || child == "img",
        Some("td" | "th" | "div" | "blockquote" | "li") => is_html(child),
        Some(_) => false,
    }
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
mod tests {
    use super::*;
    use crate::render::{markup, tag};

    fn faults(text: &str) -> Vec<(usize, String)> {
        let (tags, _) = tag::read(text);
        let (events, _) = markup::scan(text, &tags);
        check(text, &tags, &events)
            .1
            .into_iter()
            .map(|(at, fault)| (at, fault.message))
            .collect()
    }

    const BEFORE: &str = "<mjml lang=\"en\" dir=\"ltr\"><mj-body><mj-section><mj-column>";

    fn in_column(text: &str) -> String {
        format!("{BEFORE}{text}</mj-column></mj-section></mj-body></mjml>")
    }

    #[test]
    fn a_plain_mail_has_no_fault() {
        assert_eq!(
            faults(&in_column(
                "<mj-text><p>Hi{{#if a}} {{a}}{{else}}!{{/if}}</p></mj-text>\
                 {{#if b}}<mj-button href=\"{{url b}}\" background-color=\"{{c}}\">x</mj-button>{{/if}}\
                 <mj-table><tr><th scope=\"col\">x</th></tr>{{#each l}}<tr><td>{{x}}</td></tr>{{/each}}</mj-table>"
            )),
            []
        );
    }

    fn check_at(text: &str, offset: usize, words: &str) {
        let found = faults(&in_column(text));
        let at = BEFORE.len() + offset;
        assert!(
            found
                .iter()
                .any(|(place, message)| *place == at && message.contains(words)),
            "{text}\n{at}: {found:?}"
        );
    }

    #[test]
    fn unknown_tags_and_attributes_are_faults() {
        check_at("<mj-foo/>", 0, "no tag `<mj-foo>`");
        check_at(
            "<mj-text colour=\"red\">x</mj-text>",
            9,
            "no attribute `colour`",
        );
        check_at("<mj-hero/>", 0, "may not be used");
        check_at("<p>x</p>", 0, "may not stand directly");
        check_at("x", 0, "text may not stand");
        check_at("<mj-text><br></mj-text>", 9, "not closed");
    }

    #[test]
    fn a_tag_opened_in_one_branch_and_closed_in_another_is_a_fault() {
        check_at(
            "<mj-text>{{#if a}}<p>{{else}}x{{/if}}</p></mj-text>",
            21,
            "not closed in it",
        );
        check_at("<mj-text>{{#if a}}</mj-text>{{/if}}", 18, "another branch");
        check_at(
            "<mj-text>{{#if a}}x{{/each}}</mj-text>",
            19,
            "closes `{{#if}}`",
        );
    }

    #[test]
    fn variables_stand_only_where_they_are_safe() {
        let link = |href: &str| format!("<mj-text><a href=\"{href}\">x</a></mj-text>");
        check_at(&link("{{a}}"), 18, "must be written with `url`");
        check_at(
            &link("https://x/{{url a}}"),
            28,
            "must be written with `url`",
        );
        check_at(&link("javascript:x"), 18, "must be an https");
        check_at(
            "<mj-text><p style=\"color:{{a}}\">x</p></mj-text>",
            25,
            "may not stand in `style`",
        );
        check_at(
            "<mj-image src=\"https://x\" width=\"{{w}}\" alt=\"\"/>",
            33,
            "may not stand in `width`",
        );
        check_at("<mj-image src=\"https://x\"/>", 0, "needs `alt`");
        check_at(
            "<mj-text><p style=\"display: flex\">x</p></mj-text>",
            19,
            "display:flex",
        );
    }

    #[test]
    fn what_is_never_closed_is_named() {
        assert!(
            faults("<mjml lang=\"en\" dir=\"ltr\"><mj-body>{{#if a}}")
                .iter()
                .any(|(at, message)| *at == 35 && message.contains("never closed"))
        );
    }
}
