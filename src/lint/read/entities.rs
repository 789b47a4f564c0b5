//! Character references of HTML: all numeric ones, and the names that occur in mail.

/// Decodes a reference. `body` stands between `&` and `;`.
pub(super) fn decode(body: &str) -> Option<char> {
    if let Some(number) = body.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return Some(char::from_u32(code).unwrap_or('\u{FFFD}'));
    }
    NAMED
        .iter()
        .find(|(name, _)| *name == body)
        .map(|(_, c)| *c)
        .or_else(|| accented(body))
        .or_else(|| cyrillic(body))
}

const NAMED: &[(&str, char)] = &[
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", '\u{A0}'),
    ("shy", '\u{AD}'),
    ("zwnj", '\u{200C}'),
    ("zwj", '\u{200D}'),
    ("lrm", '\u{200E}'),
    ("rlm", '\u{200F}'),
    ("ZeroWidthSpace", '\u{200B}'),
    ("NoBreak", '\u{2060}'),
    ("ensp", '\u{2002}'),
    ("emsp", '\u{2003}'),
    ("thinsp", '\u{2009}'),
    ("hellip", '…'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("hyphen", '‐'),
    ("dash", '‐'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("sbquo", '‚'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bdquo", '„'),
    ("bull", '•'),
    ("middot", '·'),
    ("star", '☆'),
    ("starf", '★'),
    ("bigstar", '★'),
    ("euro", '€'),
    ("pound", '£'),
    ("dollar", '$'),
    ("percnt", '%'),
    ("plus", '+'),
    ("equals", '='),
    ("sol", '/'),
    ("commat", '@'),
    ("num", '#'),
    ("period", '.'),
    ("comma", ','),
    ("colon", ':'),
    ("excl", '!'),
    ("quest", '?'),
    ("iexcl", '¡'),
    ("iquest", '¿'),
    ("rarr", '→'),
    ("copy", '©'),
    ("reg", '®'),
    ("trade", '™'),
    ("times", '×'),
    ("deg", '°'),
    ("frac12", '½'),
    ("szlig", 'ß'),
    ("aelig", 'æ'),
    ("AElig", 'Æ'),
    ("oelig", 'œ'),
    ("OElig", 'Œ'),
    ("aring", 'å'),
    ("oslash", 'ø'),
    ("lstrok", 'ł'),
    ("Lstrok", 'Ł'),
    ("inodot", 'ı'),
    ("NewLine", '\n'),
    ("Tab", '\t'),
];

/// `eacute`, `Ccaron`: a letter and the name of its accent.
fn accented(name: &str) -> Option<char> {
    let letter = name.chars().next().filter(char::is_ascii_alphabetic)?;
    let mark = match name.get(1..)? {
        "grave" => '\u{300}',
        "acute" => '\u{301}',
        "circ" => '\u{302}',
        "tilde" => '\u{303}',
        "uml" => '\u{308}',
        "cedil" => '\u{327}',
        "ogon" => '\u{328}',
        "caron" => '\u{30C}',
        "dot" => '\u{307}',
        "ring" => '\u{30A}',
        _ => return None,
    };
    unicode_normalization::char::compose(letter, mark)
}

/// `ocy`, `Acy`: the names of Cyrillic letters that look like Latin ones, and their neighbours.
fn cyrillic(name: &str) -> Option<char> {
    let base = name.strip_suffix("cy")?;
    Some(match base {
        "a" => 'а',
        "b" => 'б',
        "v" => 'в',
        "g" => 'г',
        "d" => 'д',
        "ie" => 'е',
        "z" => 'з',
        "i" => 'и',
        "j" => 'й',
        "k" => 'к',
        "l" => 'л',
        "m" => 'м',
        "n" => 'н',
        "o" => 'о',
        "p" => 'п',
        "r" => 'р',
        "s" => 'с',
        "t" => 'т',
        "u" => 'у',
        "f" => 'ф',
        "kh" => 'х',
        "iuk" => 'і',
        "dsc" => 'ѕ',
        "jser" => 'ј',
        _ => return None,
    })
}
