//! Ratings and amounts, put together from numbers, stars and signs.

use super::{number, token_hit};
use crate::lint::{
    concept::Concept,
    lexicon::{ANY_LANGUAGE, Hit},
    passage::{Gap, Passage, TokenKind, small},
};

/// How far before the star the numbers of its rating may stand, in tokens.
const BEFORE: usize = 7;

/// Adds ratings, scales, amounts and equals signs to the hits of a passage.
pub(super) fn add(passage: &Passage, hits: &mut Vec<Hit>) {
    let mut derived = Vec::new();
    let has_all_rows = is_scale_of_rows(passage);
    for (index, token) in passage.tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Stars { full, hollow } if full >= 3 || full + hollow >= 3 => {
                let concept = match (full, hollow) {
                    _ if has_all_rows => Concept::Scale,
                    (0, _) => Concept::Scale,
                    (4.., 0) => Concept::TopRating,
                    _ => Concept::LowRating,
                };
                derived.push(token_hit(index, concept));
            }
            TokenKind::Stars { full: 1, hollow: 0 } => {
                hits.push(token_hit(index, Concept::Star));
            }
            TokenKind::Symbol => match passage.word(index) {
                "%" | "€" | "$" | "£" => amount(passage, index, &mut derived),
                "=" | "→" => derived.push(token_hit(index, Concept::Equals)),
                _ => {}
            },
            TokenKind::Number(_) if is_currency(passage, index + 1) => derived.push(Hit {
                last: small(index + 1),
                ..token_hit(index, Concept::Amount)
            }),
            _ => {}
        }
    }
    let mut stars: Vec<Hit> = hits
        .iter()
        .copied()
        .filter(|hit| hit.concept == Concept::Star)
        .collect();
    stars.sort_unstable();
    stars.dedup();
    if !stars.is_empty() {
        let mut words: Vec<Hit> = hits
            .iter()
            .copied()
            .filter(|hit| matches!(hit.concept, Concept::Five | Concept::LowNumber))
            .collect();
        words.sort_unstable();
        for star in stars {
            derived.extend(rating(passage, star, &words));
        }
    }
    hits.extend(derived);
}

/// The rating a star word is part of.
fn rating(passage: &Passage, star: Hit, words: &[Hit]) -> Option<Hit> {
    let sentence = passage.tokens.get(star.first as usize)?.sentence;
    let value = |token: usize| -> Option<u32> {
        if passage.tokens.get(token)?.sentence != sentence {
            return None;
        }
        number(passage, token).or_else(|| {
            let at = words.partition_point(|w| (w.first as usize) < token);
            words
                .get(at)
                .filter(|w| w.first as usize == token)
                .map(|w| if w.concept == Concept::Five { 5 } else { 1 })
        })
    };
    let star_at = star.first as usize;
    let hit = |first: usize, last: usize, concept| {
        Some(Hit {
            first: small(first),
            last: small(last),
            concept,
            language: ANY_LANGUAGE,
        })
    };
    // The number that belongs to the star: right before it, or one word away ("5 golden stars").
    let before = [1, 2]
        .into_iter()
        .filter_map(|distance| star_at.checked_sub(distance))
        .find_map(|token| value(token).map(|v| (token, v)));
    // "Raise your stars to 5", "stars: 5".
    let after = [1, 2]
        .into_iter()
        .map(|distance| star.last as usize + distance)
        .find_map(|token| value(token).map(|v| (token, v)));
    let (at, top) = match (before, after) {
        // "one star or five"
        (Some((low_at, low)), Some((high_at, high))) if low <= 1 && high >= 5 => {
            return hit(low_at, high_at, Concept::Scale);
        }
        (Some(found), _) => found,
        (None, Some((high_at, high))) if is_joined(passage, star_at, high_at) => {
            return rate(high).and_then(|concept| hit(star_at, high_at, concept));
        }
        _ => return None,
    };
    let scale_from = (at.saturating_sub(BEFORE)..at)
        .rev()
        .take_while(|&token| is_connector(passage, token, words, star))
        .find_map(|token| value(token).map(|v| (token, v)));
    match scale_from {
        Some((from, low)) if low <= 1 && top >= 5 => hit(from, star_at, Concept::Scale),
        // "1-4 stars": a range that leaves the best out.
        Some((from, low)) if low < top && top <= 4 => hit(from, star_at, Concept::LowRating),
        _ => rate(top).and_then(|concept| hit(at, star.last as usize, concept)),
    }
}

const fn rate(value: u32) -> Option<Concept> {
    match value {
        5 | 10 => Some(Concept::TopRating),
        0..=4 => Some(Concept::LowRating),
        _ => None,
    }
}

/// Words that join the two ends of a scale are short; so are the ends themselves.
fn is_connector(passage: &Passage, token: usize, words: &[Hit], star: Hit) -> bool {
    let Some(here) = passage.tokens.get(token) else {
        return false;
    };
    let is_number = number(passage, token).is_some()
        || words
            .iter()
            .any(|w| w.first as usize == token && w.concept == Concept::LowNumber);
    let word = passage.word(token);
    let same = passage.tokens.get(star.first as usize).map(|t| t.sentence);
    same == Some(here.sentence)
        && (is_number
            || word.chars().count() <= 4
            || word == passage.word(star.first as usize)
            || word.starts_with("star"))
}

/// Whether nothing ends between two tokens, so that a number after the star belongs to it.
fn is_joined(passage: &Passage, from: usize, to: usize) -> bool {
    (from + 1..=to).all(|i| passage.tokens.get(i).is_some_and(|t| t.gap < Gap::Sentence))
}

/// One row for each value from low to high is a scale, not a wish.
fn is_scale_of_rows(passage: &Passage) -> bool {
    let mut seen = [false; 6];
    for token in &passage.tokens {
        if let TokenKind::Stars { full, .. } = token.kind
            && let Some(mark) = seen.get_mut(usize::from(full))
        {
            *mark = true;
        }
    }
    seen[1..].iter().filter(|&&row| row).count() >= 4
}

/// How the words and codes of currencies begin, folded. `pound` is left out: it is a weight as well.
const CURRENCIES: &[&str] = &[
    "eur", "dollar", "usd", "gbp", "pln", "zlot", "czk", "korun", "руб",
];

/// Whether the token names a currency and belongs to the number before it.
fn is_currency(passage: &Passage, token: usize) -> bool {
    let is_joined = passage
        .tokens
        .get(token)
        .is_some_and(|t| t.gap < Gap::Clause);
    is_joined
        && CURRENCIES
            .iter()
            .any(|start| passage.word(token).starts_with(start))
}

/// `10 €`, `$5`, `20 %`.
fn amount(passage: &Passage, sign: usize, derived: &mut Vec<Hit>) {
    let is_number = |token: &usize| {
        passage
            .tokens
            .get(*token)
            .is_some_and(|t| matches!(t.kind, TokenKind::Number(_)))
    };
    let before = sign.checked_sub(1).filter(|t| {
        is_number(t)
            && passage
                .tokens
                .get(sign)
                .is_some_and(|s| s.gap < Gap::Clause)
    });
    let after = Some(sign + 1)
        .filter(|t| is_number(t) && passage.tokens.get(*t).is_some_and(|s| s.gap < Gap::Space));
    if let Some(first) = before.or(after) {
        derived.push(Hit {
            first: small(first.min(sign)),
            last: small(first.max(sign)),
            concept: Concept::Amount,
            language: ANY_LANGUAGE,
        });
    }
}
