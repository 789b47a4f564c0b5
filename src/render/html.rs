//! Compiles the markup of a mail, once, at load: MJML to tables, style sheets to attributes.
//!
//! Handlebars tags travel through both compilers as plain words and are put back at the end.
//! Between table rows a browser-grade parser would move words out of the table, so block
//! tags travel as comments there. The order of the tags before and after is compared: a tag
//! that moved or was lost is a fault, never a silent change.

use std::fmt::Write as _;

use super::{
    markup::Event,
    problem::Fault,
    tag::{Tag, TagKind},
};

/// The largest page a template may compile to (email-requirements C2: mail programs cut beyond).
pub(crate) const MAX_COMPILED: usize = 100 * 1024;

/// The page as a Handlebars template, and which tag stands at which byte of it.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) page: String,
    pub(crate) tags: Vec<(usize, usize)>,
}

/// Compiles markup that passed all checks; `is_rtl` turns the page around.
pub(crate) fn compile(
    text: &str,
    tags: &[Tag],
    events: &[Event],
    is_rtl: bool,
) -> Result<Compiled, Fault> {
    let marked = mark(text, tags, events);
    let parsed = mrml::parse(&marked).map_err(|error| {
        Fault::new(
            format!("the MJML cannot be read: {error}"),
            "look for an unusual tag or entity",
        )
    })?;
    if let Some(warning) = parsed.warnings.first() {
        return Err(Fault::from(format!(
            "the MJML compiler says: {}",
            warning.kind
        )));
    }
    let options = mrml::prelude::render::RenderOptions {
        disable_comments: true,
        fonts: std::collections::HashMap::new(),
        ..Default::default()
    };
    let page = parsed
        .element
        .render(&options)
        .map_err(|error| Fault::from(format!("the MJML cannot be compiled: {error}")))?;
    let before: Vec<usize> = words(&page).map(|(_, _, index)| index).collect();
    let page = hide_blocks(&page, tags);
    let page = css_inline::CSSInliner::options()
        .load_remote_stylesheets(false)
        .keep_style_tags(false)
        .keep_at_rules(true)
        .build()
        .inline(&page)
        .map_err(|error| Fault::from(format!("the styles cannot be put in line: {error}")))?;
    let after: Vec<usize> = words(&page).map(|(_, _, index)| index).collect();
    if before != after {
        return Err(Fault::new(
            "the compiler moved or lost a variable",
            "keep text inside of table cells and blocks around whole rows",
        ));
    }
    let page = if is_rtl { mirrored(&page) } else { page };
    let compiled = restore(&page, text, tags);
    if compiled.page.len() > MAX_COMPILED {
        return Err(Fault::new(
            format!("the compiled mail has {} kB", compiled.page.len() / 1024),
            "mail programs cut mails beyond 100 kB; shorten it",
        ));
    }
    Ok(compiled)
}

/// The page for a language written from right to left: MJML writes `left` and `ltr` into every
/// cell, where `dir` cannot reach them.
fn mirrored(page: &str) -> String {
    page.replace("text-align:left", "text-align:right")
        .replace("text-align: left", "text-align: right")
        .replace("direction:ltr", "direction:rtl")
        .replace("direction: ltr", "direction: rtl")
        .replace("align=\"left\"", "align=\"right\"")
}

const WORD: &str = "zhbz";

/// The word that stands for a tag: letters and digits only, so that no compiler touches it.
fn word(index: usize) -> String {
    format!("{WORD}{index:05}z")
}

/// The places of the words in a page: where each starts, ends, and its tag.
fn words(page: &str) -> impl Iterator<Item = (usize, usize, usize)> + '_ {
    page.match_indices(WORD).filter_map(|(at, _)| {
        let end = at + WORD.len() + 6;
        let digits = page.get(at + WORD.len()..end - 1)?;
        let index = digits.parse().ok()?;
        (page.as_bytes().get(end - 1) == Some(&b'z')).then_some((at, end, index))
    })
}

/// The markup with words in place of tags; block tags between components as raw pieces.
fn mark(text: &str, tags: &[Tag], events: &[Event]) -> String {
    let mut between = vec![false; tags.len()];
    let mut stack: Vec<&str> = Vec::new();
    for event in events {
        match event {
            Event::Open(element) if !element.is_empty => stack.push(&element.name),
            Event::Close { .. } => {
                stack.pop();
            }
            Event::Tag(index) => {
                between[*index] = matches!(
                    stack.last(),
                    Some(&("mj-body" | "mj-wrapper" | "mj-section" | "mj-column" | "mj-group"))
                );
            }
            Event::Open(_) | Event::Text { .. } => {}
        }
    }
    let mut marked = String::with_capacity(text.len());
    let mut from = 0;
    for (index, tag) in tags.iter().enumerate() {
        marked.push_str(&text[from..tag.start]);
        // Writing to a string cannot fail.
        let _ = if between[index] {
            write!(marked, "<mj-raw>{}</mj-raw>", word(index))
        } else {
            write!(marked, "{}", word(index))
        };
        from = tag.end;
    }
    marked.push_str(&text[from..]);
    marked
}

/// Puts the words of block tags that stand in the text of the body into comments.
fn hide_blocks(page: &str, tags: &[Tag]) -> String {
    let body = page.find("<body").unwrap_or(page.len());
    let mut hidden = String::with_capacity(page.len() + tags.len() * 7);
    let mut from = 0;
    for (start, end, index) in words(page) {
        let is_block = tags.get(index).is_some_and(|tag| {
            matches!(
                tag.kind,
                TagKind::Open(..) | TagKind::Else(_) | TagKind::Close(_)
            )
        });
        if is_block && start > body && !is_inside_tag(&page[body..start]) {
            hidden.push_str(&page[from..start]);
            hidden.push_str("<!--");
            hidden.push_str(&page[start..end]);
            hidden.push_str("-->");
            from = end;
        }
    }
    hidden.push_str(&page[from..]);
    hidden
}

/// Whether a place is inside `<…>`, by what stands before it.
fn is_inside_tag(before: &str) -> bool {
    before.rfind('<') > before.rfind('>')
}

/// The page with the tags back in place of their words and comments.
fn restore(page: &str, text: &str, tags: &[Tag]) -> Compiled {
    let mut restored = String::with_capacity(page.len());
    let mut places = Vec::new();
    let mut from = 0;
    for (start, end, index) in words(page) {
        let Some(tag) = tags.get(index) else { continue };
        let is_hidden = page[..start].ends_with("<!--") && page[end..].starts_with("-->");
        let (start, end) = if is_hidden {
            (start - 4, end + 3)
        } else {
            (start, end)
        };
        restored.push_str(&page[from..start]);
        places.push((restored.len(), index));
        restored.push_str(&text[tag.start..tag.end]);
        from = end;
    }
    restored.push_str(&page[from..]);
    Compiled {
        page: restored,
        tags: places,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::{markup, tag};

    fn page(text: &str) -> String {
        let (tags, _) = tag::read(text);
        let (events, _) = markup::scan(text, &tags);
        compile(text, &tags, &events, false).unwrap().page
    }

    fn in_body(inner: &str) -> String {
        page(&format!(
            "<mjml lang=\"{{{{lang}}}}\" dir=\"ltr\"><mj-head><mj-title>{{{{#if a}}}}T{{{{/if}}}}</mj-title>\
             <mj-style>.x {{ color: #ff0000 }} @media (prefers-color-scheme: dark) {{ .x {{ color: #fff !important }} }}</mj-style>\
             </mj-head><mj-body>{inner}</mj-body></mjml>"
        ))
    }

    #[test]
    fn blocks_stay_around_rows_columns_and_sections() {
        let page = in_body(
            "{{#if s}}<mj-section><mj-column>{{#if t}}<mj-table>{{#each rows}}<tr><td>{{cell}}</td></tr>{{/each}}</mj-table>{{/if}}</mj-column></mj-section>{{/if}}",
        );
        let order: Vec<usize> = [
            "lang=\"{{lang}}\"",
            "<title>{{#if a}}T{{/if}}</title>",
            "{{#if s}}",
            "{{#if t}}",
            "{{#each rows}}",
            "{{cell}}",
            "{{/each}}",
        ]
        .iter()
        .map(|piece| {
            page.find(piece)
                .unwrap_or_else(|| panic!("{piece} in {page}"))
        })
        .collect();
        assert!(order.is_sorted(), "{order:?} {page}");
        assert!(!page.contains(WORD), "{page}");
        assert!(!page.contains("&gt;"), "{page}");
    }

    #[test]
    fn styles_are_put_in_line_and_dark_rules_stay() {
        let page = in_body(
            "<mj-section><mj-column><mj-text><p class=\"x\">hi</p></mj-text></mj-column></mj-section>",
        );
        assert!(page.contains("color: #ff0000"), "{page}");
        assert!(page.contains("prefers-color-scheme"), "{page}");
        assert!(!page.contains("googleapis"), "{page}");
    }

    #[test]
    fn a_value_between_rows_is_a_fault() {
        let text = "<mjml lang=\"en\" dir=\"ltr\"><mj-body><mj-section><mj-column><mj-table><tr><td>a</td></tr>{{x}}<tr><td>b</td></tr></mj-table></mj-column></mj-section></mj-body></mjml>";
        let (tags, _) = tag::read(text);
        let (events, _) = markup::scan(text, &tags);
        // One value alone keeps its place in the order; the checks before refuse it.
        let (_, faults) = crate::render::mjml::check(text, &tags, &events);
        assert!(faults.iter().any(|(_, f)| f.message.contains("mj-table")));
    }
}
