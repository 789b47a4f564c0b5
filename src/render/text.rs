//! The plain-text part, made from the markup of the same file.
//!
//! At load the markup becomes a text template: the same blocks and variables in the same
//! order, with marks where lines and cells end. Per mail, [`tidy`] turns marks into line
//! breaks. Converting the finished HTML of each mail would take ten times as long.

use super::{
    markup::{Element, Event},
    tag::Tag,
};

/// Marks in the text template. Values hold no control characters, so no value can hold one.
const PARAGRAPH: char = '\u{1d}';
const LINE: char = '\u{1e}';
const CELL: char = '\u{1f}';

/// The text template of a mail's markup.
pub(crate) fn skeleton(text: &str, tags: &[Tag], events: &[Event]) -> String {
    let mut walk = Walk {
        text,
        tags,
        out: String::new(),
        stack: Vec::new(),
        in_body: false,
        skipped: 0,
    };
    for event in events {
        walk.event(event);
    }
    walk.out
}

struct Walk<'a> {
    text: &'a str,
    tags: &'a [Tag],
    out: String,
    stack: Vec<Open>,
    in_body: bool,
    /// How many open elements are left out of the text.
    skipped: usize,
}

struct Open {
    name: String,
    /// The address of a link, and where its text begins.
    link: Option<(String, usize)>,
    is_skipped: bool,
}

impl Walk<'_> {
    fn event(&mut self, event: &Event) {
        match event {
            Event::Open(element) => self.open(element),
            Event::Close { .. } => self.close(),
            Event::Tag(index) if self.is_written() => {
                let tag = &self.tags[*index];
                // Between components a block leaves no space of its own.
                self.out.push_str(&self.text[tag.start..tag.end]);
            }
            Event::Text { start, end } if self.is_written() => {
                let text = decode(&self.text[*start..*end]);
                let mut was_space = false;
                for c in text.chars() {
                    let is_space = c.is_ascii_whitespace();
                    if !is_space {
                        self.out.push(c);
                    } else if !was_space {
                        self.out.push(' ');
                    }
                    was_space = is_space;
                }
            }
            Event::Tag(_) | Event::Text { .. } => {}
        }
    }

    fn is_written(&self) -> bool {
        self.in_body && self.skipped == 0
    }

    fn open(&mut self, element: &Element) {
        let name = element.name.as_str();
        self.in_body |= name == "mj-body";
        let is_hidden = element
            .attribute("aria-hidden")
            .is_some_and(|attribute| &self.text[attribute.value.clone()] == "true");
        // Column headings help the eye in a table; in lines of text they only confuse.
        let is_skipped = name == "thead" || is_hidden;
        if self.is_written() && !is_skipped {
            if let Some(mark) = mark(name) {
                self.out.push(mark);
            }
            match name {
                "li" => self.out.push_str("- "),
                "hr" | "mj-divider" => {
                    self.out.push_str("----------");
                    self.out.push(PARAGRAPH);
                }
                "img" | "mj-image" => {
                    if let Some(alt) = element.attribute("alt") {
                        let alt = decode(&self.text[alt.value.clone()]);
                        self.out.push_str(&alt);
                    }
                }
                _ => {}
            }
        }
        if element.is_empty {
            return;
        }
        let link = matches!(name, "a" | "mj-button")
            .then(|| element.attribute("href"))
            .flatten()
            .map(|href| (decode(&self.text[href.value.clone()]), self.out.len()));
        self.skipped += usize::from(is_skipped);
        self.stack.push(Open {
            name: name.to_owned(),
            link,
            is_skipped,
        });
    }

    fn close(&mut self) {
        let Some(open) = self.stack.pop() else {
            return;
        };
        if self.is_written() {
            if let Some((address, from)) = open.link {
                let label = self.out[from..].trim().to_owned();
                let bare = address.strip_prefix("mailto:").unwrap_or(&address);
                if label != bare && label != address {
                    let before = if open.name == "mj-button" {
                        ":\u{1e}"
                    } else {
                        " – "
                    };
                    self.out.push_str(before);
                    self.out.push_str(bare);
                }
            }
            if let Some(mark) = mark(&open.name)
                && mark != CELL
            {
                self.out.push(mark);
            }
        }
        self.skipped -= usize::from(open.is_skipped);
        if open.name == "mj-body" {
            self.in_body = false;
        }
    }
}

/// What separates an element from what stands before and after it.
fn mark(name: &str) -> Option<char> {
    match name {
        "mj-text" | "mj-button" | "mj-table" | "mj-image" | "mj-divider" | "mj-section"
        | "mj-column" | "p" | "h1" | "h2" | "h3" | "h4" | "ul" | "ol" | "table" | "blockquote"
        | "hr" => Some(PARAGRAPH),
        "br" | "li" | "tr" | "div" | "caption" => Some(LINE),
        "td" | "th" => Some(CELL),
        _ => None,
    }
}

/// The text with the entities templates use as characters.
fn decode(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        decoded.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find(';').map_or(1, |end| end + 1);
        let entity = &rest[..end];
        match entity {
            "&amp;" => decoded.push('&'),
            "&lt;" => decoded.push('<'),
            "&gt;" => decoded.push('>'),
            "&quot;" => decoded.push('"'),
            "&apos;" => decoded.push('\''),
            "&nbsp;" => decoded.push('\u{a0}'),
            "&shy;" | "&zwnj;" => {}
            "&ndash;" => decoded.push('–'),
            "&mdash;" => decoded.push('—'),
            "&hellip;" => decoded.push('…'),
            "&middot;" => decoded.push('·'),
            "&times;" => decoded.push('×'),
            "&euro;" => decoded.push('€'),
            _ => match numbered(entity) {
                Some(c) => decoded.push(c),
                None => decoded.push_str(entity),
            },
        }
        rest = &rest[end..];
    }
    decoded.push_str(rest);
    decoded
}

fn numbered(entity: &str) -> Option<char> {
    let number = entity.strip_prefix("&#")?.strip_suffix(';')?;
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code).filter(|c| !c.is_control())
}

/// The finished text part: marks become line breaks, spaces and empty lines are not doubled.
pub(crate) fn tidy(rendered: &str) -> String {
    let mut out = String::with_capacity(rendered.len() + 1);
    let (mut breaks, mut space, mut cell) = (0, false, false);
    for c in rendered.chars() {
        match c {
            PARAGRAPH => breaks = 2,
            LINE | '\n' => breaks = breaks.max(1),
            CELL => cell = true,
            ' ' | '\t' | '\r' => space = true,
            _ => {
                if out.is_empty() {
                    // Nothing stands before the first line.
                } else if breaks > 0 {
                    out.push_str(if breaks > 1 { "\n\n" } else { "\n" });
                } else if cell {
                    out.push_str(" · ");
                } else if space {
                    out.push(' ');
                }
                (breaks, space, cell) = (0, false, false);
                out.push(c);
            }
        }
    }
    out.push('\n');
    out
}

/// A hand-written text part: its lines stay as they are, but for runs of empty ones.
pub(crate) fn tidy_lines(rendered: &str) -> String {
    let mut out = String::with_capacity(rendered.len() + 1);
    let mut empty = 0;
    for line in rendered.lines() {
        let line = line.trim_end();
        if line.is_empty() {
            empty += 1;
            continue;
        }
        if !out.is_empty() {
            out.push_str(if empty > 0 { "\n\n" } else { "\n" });
        }
        empty = 0;
        out.push_str(line);
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::{markup, tag};

    fn check(body: &str, expected: &str) {
        let text = format!(
            "<mjml><mj-head><mj-title>no</mj-title></mj-head><mj-body>{body}</mj-body></mjml>"
        );
        let (tags, _) = tag::read(&text);
        let (events, _) = markup::scan(&text, &tags);
        assert_eq!(tidy(&skeleton(&text, &tags, &events)), expected, "{body}");
    }

    #[test]
    fn paragraphs_lists_and_links_become_lines() {
        check(
            "<mj-text><h1>Hi\n  there</h1><p>one<br/>two &amp; three</p><ul><li>a</li><li>b</li></ul></mj-text>\
             <mj-button href=\"{{url u}}\">Go</mj-button><mj-text>see <a href=\"https://x.example\">us</a></mj-text>",
            "Hi there\n\none\ntwo & three\n\n- a\n- b\n\nGo:\n{{url u}}\n\nsee us – https://x.example\n",
        );
    }

    #[test]
    fn rows_become_lines_and_headings_of_columns_are_left_out() {
        check(
            "<mj-table><thead><tr><th>Item</th></tr></thead>{{#each i}}<tr><td>{{t}}</td><td>{{p}}</td></tr>{{/each}}<tr><td>Sum</td><td>1</td></tr></mj-table>",
            "{{#each i}}\n{{t}} · {{p}}\n{{/each}}\nSum · 1\n",
        );
    }

    #[test]
    fn what_is_hidden_from_readers_is_left_out_of_the_text() {
        check(
            "<mj-text>a<span aria-hidden=\"true\"> deco</span> b</mj-text><mj-image src=\"https://x\" alt=\"Logo\"/>",
            "a b\n\nLogo\n",
        );
    }

    #[test]
    fn empty_lines_are_never_doubled() {
        assert_eq!(
            tidy("\u{1d}\u{1d}a\u{1d} \u{1d}\u{1f}b \n\u{1e}c"),
            "a\n\nb\nc\n"
        );
        assert_eq!(tidy_lines("\n\na \n\n\n\nb\nc\n"), "a\n\nb\nc\n");
    }
}
