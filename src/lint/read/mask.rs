//! Merge values that are names: they are not the seller's words, so they are not read.

use crate::lint::passage::{Glyph, OPAQUE};

/// Replaces each whole occurrence of a value by one opaque character.
pub(super) fn mask(glyphs: &mut Vec<Glyph>, values: &[&str]) {
    for value in values {
        let needle: Vec<char> = value.trim().chars().collect();
        if needle.is_empty() || needle.len() > glyphs.len() {
            continue;
        }
        let text: String = glyphs.iter().map(|g| g.c).collect();
        let mut masked: Vec<Glyph> = Vec::with_capacity(glyphs.len());
        let mut copied = 0;
        // The search runs over bytes; characters are counted along so that both stay in step.
        let mut byte = 0;
        let mut index = 0;
        for (found, _) in text.match_indices(value.trim()) {
            index += text[byte..found].chars().count();
            byte = found;
            let end = index + needle.len();
            let is_joined = |at: Option<&Glyph>| at.is_some_and(|g| g.c.is_alphanumeric());
            let before = index.checked_sub(1).and_then(|i| glyphs.get(i));
            if index < copied || is_joined(before) || is_joined(glyphs.get(end)) {
                continue;
            }
            masked.extend_from_slice(&glyphs[copied..index]);
            masked.push(Glyph {
                c: OPAQUE,
                start: glyphs[index].start,
                end: glyphs[end - 1].end,
                link: glyphs[index].link,
            });
            copied = end;
        }
        if copied > 0 {
            masked.extend_from_slice(&glyphs[copied..]);
            *glyphs = masked;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::passage::glyphs;

    fn check(text: &str, values: &[&str], expected: &str) {
        let mut read: Vec<Glyph> = glyphs(text, 0).collect();
        mask(&mut read, values);
        let shown: String = read
            .iter()
            .map(|g| if g.c == OPAQUE { '_' } else { g.c })
            .collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn whole_names_are_masked_and_parts_of_words_are_not() {
        check("1 x Five Star notebook", &["Five Star notebook"], "1 x _");
        check("Żółty stół, Żółty", &["Żółty"], "_ stół, _");
        check("stars", &["star"], "stars");
        check("aa aa", &["aa", "", "longer than the text"], "_ _");
    }
}
