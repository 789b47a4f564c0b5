//! A small HTML reader that keeps offsets and accepts anything.
//!
//! It follows browsers where that matters for what a buyer sees: inline tags do not split
//! words, block tags do, comments and scripts are not text, an unclosed tag is plain text.

mod look;

use self::look::Look;
use super::{Link, entities};
use crate::lint::passage::{BREAK, Glyph};

/// What a page holds.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// The text on the screen.
    pub(super) visible: Vec<Glyph>,
    /// The text that is not on the screen.
    pub(super) hidden: Vec<Glyph>,
    /// Texts of attributes.
    pub(super) attributes: Vec<Glyph>,
    /// Link targets.
    pub(super) links: Vec<Link>,
}

/// How far up an end tag looks for its start tag; keeps the work linear.
const MAX_LOOK_UP: usize = 64;
/// How many open elements are remembered.
const MAX_DEPTH: usize = 4096;

/// Reads a page.
pub(super) fn read(glyphs: &[Glyph]) -> Page {
    let mut reader = Reader {
        glyphs,
        page: Page {
            visible: Vec::with_capacity(glyphs.len()),
            ..Page::default()
        },
        open: Vec::new(),
        link: 0,
    };
    reader.run();
    reader.page
}

struct Reader<'g> {
    glyphs: &'g [Glyph],
    page: Page,
    /// Names of the open elements and how text in each looks.
    open: Vec<(String, Look)>,
    link: u16,
}

struct Tag {
    name: String,
    closing: bool,
    self_closing: bool,
    attributes: Vec<(String, Vec<Glyph>)>,
    /// Index of the glyph after the tag.
    end: usize,
}

impl Reader<'_> {
    fn run(&mut self) {
        let mut at = 0;
        let mut tags = true;
        while let Some(&glyph) = self.glyphs.get(at) {
            at = match glyph.c {
                '<' if tags => {
                    if let Some(next) = self.markup(at) {
                        next
                    } else {
                        if self.glyphs.get(at + 1).is_some_and(|g| starts_markup(g.c)) {
                            // Not closed before the end: nothing after it is a tag either.
                            tags = false;
                        }
                        self.text(glyph);
                        at + 1
                    }
                }
                '&' => {
                    let (decoded, next) = self.reference(at);
                    self.text(decoded);
                    next
                }
                _ => {
                    self.text(glyph);
                    at + 1
                }
            };
        }
    }

    fn text(&mut self, mut glyph: Glyph) {
        glyph.link = self.link;
        // A line end in HTML is a space like any other.
        if glyph.c == '\n' {
            glyph.c = ' ';
        }
        if self.is_hidden() {
            self.page.hidden.push(glyph);
        } else {
            self.page.visible.push(glyph);
        }
    }

    fn is_hidden(&self) -> bool {
        self.open.last().is_some_and(|(_, look)| look.is_hidden())
    }

    fn reference(&self, at: usize) -> (Glyph, usize) {
        let mut body = String::new();
        let mut end = at + 1;
        while let Some(glyph) = self.glyphs.get(end)
            && body.len() < 16
            && (glyph.c.is_ascii_alphanumeric() || (glyph.c == '#' && body.is_empty()))
        {
            body.push(glyph.c);
            end += 1;
        }
        let mut whole = self.glyphs[at];
        let closed = self.glyphs.get(end).is_some_and(|g| g.c == ';');
        match entities::decode(&body) {
            Some(c) if closed || body.starts_with('#') => {
                let next = end + usize::from(closed);
                whole.c = c;
                whole.end = self.glyphs[next - 1].end;
                (whole, next)
            }
            _ => (whole, at + 1),
        }
    }

    /// Reads what begins with `<` at `at`; `None` when it is text.
    fn markup(&mut self, at: usize) -> Option<usize> {
        let next = self.glyphs.get(at + 1)?.c;
        if next == '!' || next == '?' {
            return self.declaration(at);
        }
        if !starts_markup(next) {
            return None;
        }
        let tag = self.tag(at)?;
        let end = tag.end;
        if matches!(tag.name.as_str(), "style" | "script") && !tag.closing {
            return Some(self.skip_raw(&tag.name, end));
        }
        self.apply(tag, self.glyphs[at]);
        Some(end)
    }

    /// Comments are skipped; the content of conditional comments is seen by some programs.
    fn declaration(&self, at: usize) -> Option<usize> {
        let starts = |text: &str| {
            text.chars()
                .enumerate()
                .all(|(i, c)| self.glyphs.get(at + i).is_some_and(|g| g.c == c))
        };
        if starts("<!--") && !starts("<!--[if") {
            // As in browsers an unclosed comment reaches to the end.
            return Some(
                self.find("-->", at + 4)
                    .map_or(self.glyphs.len(), |found| found + 3),
            );
        }
        self.find(">", at).map(|found| found + 1)
    }

    fn find(&self, text: &str, from: usize) -> Option<usize> {
        let needle: Vec<char> = text.chars().collect();
        self.glyphs
            .get(from..)?
            .windows(needle.len())
            .position(|window| window.iter().zip(&needle).all(|(g, c)| g.c == *c))
            .map(|found| from + found)
    }

    fn skip_raw(&self, name: &str, from: usize) -> usize {
        let mut at = from;
        while let Some(found) = self.find("</", at) {
            let matches = name.chars().enumerate().all(|(i, c)| {
                self.glyphs
                    .get(found + 2 + i)
                    .is_some_and(|g| g.c.eq_ignore_ascii_case(&c))
            });
            if matches {
                return self
                    .find(">", found)
                    .map_or(self.glyphs.len(), |end| end + 1);
            }
            at = found + 2;
        }
        self.glyphs.len()
    }

    fn tag(&self, at: usize) -> Option<Tag> {
        let mut i = at + 1;
        let closing = self.glyphs.get(i)?.c == '/';
        i += usize::from(closing);
        let name = self.name(&mut i);
        let mut attributes = Vec::new();
        loop {
            let c = self.glyphs.get(i)?.c;
            match c {
                '>' => break,
                c if c.is_whitespace() || c == '/' || c == '=' => i += 1,
                _ => {
                    let from = i;
                    let key = self.name(&mut i);
                    let value = self.value(&mut i)?;
                    attributes.push((key, value));
                    // A quote or another sign no name begins with: pass over it.
                    i = i.max(from + 1);
                }
            }
        }
        Some(Tag {
            name,
            closing,
            self_closing: self.glyphs[i - 1].c == '/',
            attributes,
            end: i + 1,
        })
    }

    fn name(&self, i: &mut usize) -> String {
        let mut name = String::new();
        while let Some(glyph) = self.glyphs.get(*i)
            && !glyph.c.is_whitespace()
            && !matches!(glyph.c, '>' | '/' | '=' | '"' | '\'')
        {
            name.push(glyph.c.to_ascii_lowercase());
            *i += 1;
        }
        name
    }

    /// The value after an attribute name; empty without `=`; `None` when a quote never closes.
    fn value(&self, i: &mut usize) -> Option<Vec<Glyph>> {
        let mut at = *i;
        while self.glyphs.get(at).is_some_and(|g| g.c.is_whitespace()) {
            at += 1;
        }
        if self.glyphs.get(at)?.c != '=' {
            return Some(Vec::new());
        }
        at += 1;
        while self.glyphs.get(at).is_some_and(|g| g.c.is_whitespace()) {
            at += 1;
        }
        let quote = self.glyphs.get(at)?.c;
        let quoted = matches!(quote, '"' | '\'');
        at += usize::from(quoted);
        let mut value = Vec::new();
        loop {
            let glyph = *self.glyphs.get(at)?;
            let ends = if quoted {
                glyph.c == quote
            } else {
                glyph.c.is_whitespace() || glyph.c == '>'
            };
            if ends {
                break;
            }
            if glyph.c == '&' {
                let (decoded, next) = self.reference(at);
                value.push(decoded);
                at = next;
            } else {
                value.push(glyph);
                at += 1;
            }
        }
        *i = at + usize::from(quoted);
        Some(value)
    }

    fn apply(&mut self, tag: Tag, place: Glyph) {
        if !is_inline(&tag.name) {
            self.text(Glyph { c: BREAK, ..place });
        }
        let is_link = matches!(tag.name.as_str(), "a" | "button" | "mj-button");
        if tag.closing {
            let tail = self.open.len().saturating_sub(MAX_LOOK_UP);
            if let Some(found) = self.open[tail..]
                .iter()
                .rposition(|(name, _)| *name == tag.name)
            {
                self.open.truncate(tail + found);
            }
            if is_link {
                self.link = 0;
            }
            return;
        }
        let mut look = self
            .open
            .last()
            .map(|(_, look)| look.clone())
            .unwrap_or_default();
        if matches!(tag.name.as_str(), "mj-preview" | "title") {
            look.remove();
        }
        for (key, value) in tag.attributes {
            match key.as_str() {
                "style" => look.apply(&text_of(&value)),
                "hidden" => look.remove(),
                "bgcolor" | "background-color" => look.set_background(&text_of(&value)),
                "color" => look.set_color(&text_of(&value)),
                "href" | "action" if !value.is_empty() => {
                    self.page.links.push(Link {
                        target: text_of(&value),
                    });
                }
                "alt" | "title" | "aria-label" | "value" | "placeholder" | "summary" => {
                    self.page.attributes.push(Glyph { c: BREAK, ..place });
                    self.page.attributes.extend(value);
                }
                _ => {}
            }
        }
        if look.is_hidden() && !self.is_hidden() {
            self.page.hidden.push(Glyph { c: BREAK, ..place });
        }
        if is_link {
            self.link = self.page.links.len().try_into().unwrap_or(u16::MAX);
        }
        if !tag.self_closing && !is_void(&tag.name) && self.open.len() < MAX_DEPTH {
            self.open.push((tag.name, look));
        }
    }
}

fn starts_markup(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')
}

fn text_of(value: &[Glyph]) -> String {
    value.iter().map(|g| g.c).collect()
}

/// Elements that stand inside a line and do not part words.
fn is_inline(name: &str) -> bool {
    matches!(
        name,
        "a" | "abbr"
            | "acronym"
            | "b"
            | "bdi"
            | "bdo"
            | "big"
            | "cite"
            | "code"
            | "data"
            | "del"
            | "dfn"
            | "em"
            | "font"
            | "i"
            | "img"
            | "ins"
            | "kbd"
            | "label"
            | "mark"
            | "q"
            | "s"
            | "samp"
            | "small"
            | "span"
            | "strike"
            | "strong"
            | "sub"
            | "sup"
            | "time"
            | "tt"
            | "u"
            | "var"
            | "wbr"
    )
}

fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
            | "mj-image"
            | "mj-divider"
            | "mj-spacer"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::passage::glyphs;

    fn shown(glyphs: &[Glyph]) -> String {
        glyphs
            .iter()
            .map(|g| if g.c == BREAK { '|' } else { g.c })
            .collect()
    }

    fn check(html: &str, visible: &str, hidden: &str, attributes: &str) {
        let page = read(&glyphs(html, 0).collect::<Vec<_>>());
        let found = [&page.visible, &page.hidden, &page.attributes].map(|g| shown(g));
        assert_eq!(found, [visible, hidden, attributes], "{html}");
    }

    #[test]
    fn inline_tags_join_and_block_tags_part() {
        check("<b>fi</b>ve", "five", "", "");
        check("<p>a</p><td>b", "|a||b", "", "");
        check("<!-- x --><style>p{}</style >y<br>z", "y|z", "", "");
        check("1 < 2 & 3 <b", "1 < 2 & 3 <b", "", "");
        check("<!--[if mso]>o<![endif]-->", "o", "", "");
    }

    #[test]
    fn references_become_characters_that_span_their_source() {
        check(
            "&eacute;toi&#x6C;es&nbsp;&bogus; &#9733",
            "étoiles\u{a0}&bogus; ★",
            "",
            "",
        );
        let page = read(&glyphs("x&eacute;y", 0).collect::<Vec<_>>());
        assert_eq!((page.visible[1].start, page.visible[1].end), (1, 9));
    }

    #[test]
    fn hidden_elements_and_attribute_texts_are_views_of_their_own() {
        check(
            r#"<div style="DISPLAY : none">a<p>b</p></div>c<img alt='d "e"' src=x>"#,
            "|c",
            "|a|b||",
            "|d \"e\"",
        );
        check(
            r#"<p hidden>a</p><i style="opacity:0.5">b</i>"#,
            "|b",
            "|a|",
            "",
        );
        check(r#"<p style="color:#fff;background:#fff">a"#, "|", "|a", "");
    }

    #[test]
    fn text_is_visible_again_where_styles_say_so() {
        let check = |html: &str, visible: &str, hidden: &str| {
            let page = read(&glyphs(html, 0).collect::<Vec<_>>());
            let text = |glyphs: &[Glyph]| shown(glyphs).replace('|', "");
            assert_eq!(text(&page.visible), visible, "{html}");
            assert_eq!(text(&page.hidden), hidden, "{html}");
        };
        check(
            r#"<td style="font-size:0px">a<div style="font-size:16px">b<i>c</i></div>d</td>"#,
            "bc",
            "ad",
        );
        check(
            r#"<td style="font-size:0"><div style="font-size:2em">a</div><p style="font-size:150%">b"#,
            "",
            "ab",
        );
        check(
            r#"<div style="visibility:hidden">a<p style="visibility: visible">b</p></div>"#,
            "b",
            "a",
        );
        check(
            r#"<div style="display:none">a<p style="display:block;visibility:visible;font-size:9px">b"#,
            "",
            "ab",
        );
        check(
            r#"<div style="background:#FFF"><p style="color:white">a<b style="color:#000">b</b></p></div>"#,
            "b",
            "a",
        );
        check(
            r##"<td bgcolor="#ffffff"><a style="background:#c00;color:#ffffff">a</a><font color="#fff">b"##,
            "a",
            "b",
        );
        check(
            r#"<p style="color:#fff;background:#fff url(x.png)">a</p>"#,
            "a",
            "",
        );
    }

    #[test]
    fn an_unclosed_quote_is_text() {
        check(r#"a <a href="x"#, r#"a <a href="x"#, "", "");
    }
}
