//! From a field to what the buyer sees: views of plain characters, each knowing its place.
//!
//! Template expressions become opaque, every branch is read alone and joined with its
//! surroundings; HTML becomes visible text, hidden text, attribute texts and link targets.

mod branches;
mod entities;
mod html;
mod mask;

pub(crate) use branches::Gate;

use super::{
    draft::{Field, FieldKind},
    passage::{BREAK, Glyph, glyphs},
};

/// Which part of a field a view holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Surface {
    /// What the buyer sees.
    Visible,
    /// What is in the mail but not on the screen.
    Hidden,
    /// `alt`, `title`, `aria-label`, button values, texts inside template expressions.
    Attribute,
}

/// A text to be read as one.
#[derive(Debug)]
pub(crate) struct View {
    /// Which part of the field it is.
    pub(crate) surface: Surface,
    /// Its characters.
    pub(crate) glyphs: Vec<Glyph>,
}

/// A link and its target as written, entities decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    /// The target.
    pub(crate) target: String,
}

/// All there is to read in a field.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// The texts.
    pub(crate) views: Vec<View>,
    /// The links of the HTML.
    pub(crate) links: Vec<Link>,
    /// Blocks of the template whose condition depends on the buyer's mood.
    pub(crate) gates: Vec<Gate>,
}

/// Reads a field. `masked` are values that are not read (names of products and people).
pub(crate) fn read(field: &Field<'_>, masked: &[&str]) -> Reading {
    let mut reading = Reading::default();
    if field.text.contains("{{") {
        let template = branches::parse(field.text);
        for glyphs in template.readings(field.text) {
            read_markup(field.kind, glyphs, masked, &mut reading);
        }
        let literals = template.literals(field.text);
        if !literals.is_empty() {
            push(&mut reading, Surface::Attribute, literals, masked);
        }
        reading.gates = template.into_gates();
    } else {
        read_markup(
            field.kind,
            glyphs(field.text, 0).collect(),
            masked,
            &mut reading,
        );
    }
    reading
}

fn read_markup(kind: FieldKind, glyphs: Vec<Glyph>, masked: &[&str], reading: &mut Reading) {
    if !kind.is_markup() {
        push(reading, Surface::Visible, glyphs, masked);
        return;
    }
    let page = html::read(&glyphs);
    reading.links.extend(page.links);
    for (surface, glyphs) in [
        (Surface::Visible, page.visible),
        (Surface::Hidden, page.hidden),
        (Surface::Attribute, page.attributes),
    ] {
        if glyphs.iter().any(|g| g.c != BREAK && !g.c.is_whitespace()) {
            push(reading, surface, glyphs, masked);
        }
    }
}

fn push(reading: &mut Reading, surface: Surface, mut glyphs: Vec<Glyph>, masked: &[&str]) {
    mask::mask(&mut glyphs, masked);
    reading.views.push(View { surface, glyphs });
}
