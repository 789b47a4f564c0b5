//! Folding of characters for matching: case, compatibility forms, diacritics, invisible
//! characters and look-alikes. Offsets are kept by the callers; nothing here knows the source.

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// Calls `emit` for each character `c` folds to; not at all when nothing of it is seen.
pub(crate) fn fold_char(c: char, emit: &mut impl FnMut(char)) {
    if c.is_ascii() {
        emit(c.to_ascii_lowercase());
        return;
    }
    if is_ignorable(c) {
        return;
    }
    for lower in c.to_lowercase() {
        decompose_compatible(lower, |part| {
            if is_combining_mark(part) || is_ignorable(part) {
                return;
            }
            match part {
                'ß' => {
                    emit('s');
                    emit('s');
                }
                'æ' => {
                    emit('a');
                    emit('e');
                }
                'œ' => {
                    emit('o');
                    emit('e');
                }
                'ł' => emit('l'),
                'ø' => emit('o'),
                'đ' | 'ð' => emit('d'),
                'ı' => emit('i'),
                // Mathematical and full-width capitals only become capitals above.
                _ => part.to_lowercase().for_each(&mut *emit),
            }
        });
    }
}

/// Whether the character takes no room on the screen: default-ignorable and enclosing marks.
pub(crate) const fn is_ignorable(c: char) -> bool {
    !c.is_ascii()
        && matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        | '\u{FFA0}' | '\u{FFF0}'..='\u{FFF8}' | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{20D0}'..='\u{20F0}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Whether a folded letter is Cyrillic.
pub(crate) const fn is_cyrillic(c: char) -> bool {
    matches!(c, '\u{400}'..='\u{52F}' | '\u{1C80}'..='\u{1C8F}')
}

/// The Latin letter a folded letter of another script looks like.
pub(crate) fn to_latin(c: char) -> Option<char> {
    PAIRS
        .iter()
        .find(|(other, _)| *other == c)
        .map(|(_, latin)| *latin)
        .or_else(|| skeleton_letter(c))
}

/// The Cyrillic letter a folded Latin letter looks like.
pub(crate) fn to_cyrillic(c: char) -> Option<char> {
    PAIRS
        .iter()
        .find(|(other, latin)| *latin == c && is_cyrillic(*other))
        .map(|(other, _)| *other)
}

/// The letter a digit or sign stands for when letters are written with digits.
pub(crate) const fn from_leet(c: char) -> Option<char> {
    Some(match c {
        '0' => 'o',
        '1' | '!' | '|' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        '8' => 'b',
        _ => return None,
    })
}

/// Folded letters of other scripts beside the Latin letter they are mistaken for. The Cyrillic
/// letters stand first: `to_cyrillic` reads the table backwards and takes the first.
const PAIRS: &[(char, char)] = &[
    ('а', 'a'),
    ('е', 'e'),
    ('о', 'o'),
    ('р', 'p'),
    ('с', 'c'),
    ('у', 'y'),
    ('х', 'x'),
    ('к', 'k'),
    ('м', 'm'),
    ('т', 't'),
    ('в', 'b'),
    ('н', 'h'),
    ('і', 'i'),
    ('ѕ', 's'),
    ('ј', 'j'),
    ('ԁ', 'd'),
    ('ԛ', 'q'),
    ('ԝ', 'w'),
    ('ӏ', 'l'),
    ('һ', 'h'),
    ('ѵ', 'v'),
    ('г', 'r'),
    ('п', 'n'),
    ('α', 'a'),
    ('ε', 'e'),
    ('ι', 'i'),
    ('κ', 'k'),
    ('ν', 'v'),
    ('ο', 'o'),
    ('ρ', 'p'),
    ('τ', 't'),
    ('υ', 'u'),
    ('χ', 'x'),
    ('γ', 'y'),
    ('η', 'n'),
    ('ω', 'w'),
    ('β', 'b'),
    ('ɡ', 'g'),
    ('ɑ', 'a'),
    ('ɩ', 'i'),
    ('ᴀ', 'a'),
    ('ᴇ', 'e'),
    ('ɪ', 'i'),
    ('ᴏ', 'o'),
    ('ꜱ', 's'),
    ('ᴛ', 't'),
    ('ʀ', 'r'),
    ('ᴠ', 'v'),
    ('ᴡ', 'w'),
];

/// The one ASCII letter the Unicode confusables table gives for `c`.
fn skeleton_letter(c: char) -> Option<char> {
    let mut buffer = [0; 4];
    let mut skeleton = unicode_security::skeleton(c.encode_utf8(&mut buffer));
    let letter = skeleton.next()?.to_ascii_lowercase();
    (skeleton.next().is_none() && letter.is_ascii_alphabetic()).then_some(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let mut folded = String::new();
        for c in text.chars() {
            fold_char(c, &mut |f| folded.push(f));
        }
        assert_eq!(folded, expected, "{text}");
    }

    #[test]
    fn case_marks_compatibility_forms_and_invisible_characters_are_folded() {
        check("PIĘĆ Gwiazdek", "piec gwiazdek");
        check("Größe", "grosse");
        check("pos\u{200b}i\u{ad}tive", "positive");
        check("ﬁve 𝐬𝐭𝐚𝐫𝐬 ＳＴＡＲ", "five stars star");
        check("5\u{fe0f}\u{20e3}", "5");
        check("Ёлка, й", "елка, и");
        check("s\u{336}t\u{336}ar", "star");
    }

    #[test]
    fn look_alikes_fold_both_ways() {
        assert_eq!(to_latin('о'), Some('o'));
        assert_eq!(to_cyrillic('o'), Some('о'));
        assert_eq!(to_latin('ы'), None);
        assert_eq!(to_cyrillic('z'), None);
    }
}
