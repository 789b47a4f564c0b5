//! Amounts of money and counts as files write them.

use rust_decimal::Decimal;

/// Which sign stands before the cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DecimalMark {
    /// `12.50` only: JSON, and files whose values are parted by commas.
    Point,
    /// `12,50` as well as `12.50`: files whose values are parted by `;` or tabs.
    PointOrComma,
}

/// Why a text is no amount we read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum AmountFault {
    #[error("the amount may mean thousands or decimals")]
    Ambiguous,
    #[error("the amount is below zero")]
    Negative,
    #[error("the amount is too large")]
    TooLarge,
    #[error("this is no amount")]
    Form,
}

/// Reads `12.50`, `1250`, `1 250.00`, `1,250.00`, and with [`DecimalMark::PointOrComma`]
/// also `12,50` and `1.250,00`.
pub(super) fn parse_amount(text: &str, mark: DecimalMark) -> Result<Decimal, AmountFault> {
    const LARGEST: i64 = 1_000_000_000_000;
    let compact: String = text
        .chars()
        .filter(|c| !matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\''))
        .collect();
    if compact.starts_with('-') {
        return Err(AmountFault::Negative);
    }
    let plain = match (compact.rfind('.'), compact.rfind(',')) {
        (None, None) => compact,
        (Some(point), Some(comma)) => {
            let (groups, cents) = if point > comma {
                (',', '.')
            } else if mark == DecimalMark::PointOrComma {
                ('.', ',')
            } else {
                return Err(AmountFault::Ambiguous);
            };
            ungroup(&compact, groups, cents).ok_or(AmountFault::Form)?
        }
        (Some(point), None) => {
            // In a file of decimal commas, `1.250` is as likely 1250 as 1.25.
            if mark == DecimalMark::PointOrComma && compact.len() - point == 4 {
                return Err(AmountFault::Ambiguous);
            }
            compact
        }
        (None, Some(comma)) => {
            if mark == DecimalMark::Point || compact.len() - comma == 4 {
                return Err(AmountFault::Ambiguous);
            }
            compact.replacen(',', ".", 1)
        }
    };
    let well_formed = plain.starts_with(|c: char| c.is_ascii_digit())
        && plain.ends_with(|c: char| c.is_ascii_digit())
        && plain.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && plain.bytes().filter(|b| *b == b'.').count() <= 1;
    if !well_formed {
        return Err(AmountFault::Form);
    }
    if plain.len() > 20 {
        return Err(AmountFault::TooLarge);
    }
    let amount: Decimal = plain.parse().map_err(|_| AmountFault::Form)?;
    if amount > Decimal::from(LARGEST) {
        return Err(AmountFault::TooLarge);
    }
    Ok(amount)
}

/// Takes the thousands separators out, if they stand before whole groups of three.
fn ungroup(text: &str, groups: char, cents: char) -> Option<String> {
    let (whole, fraction) = text.split_once(cents)?;
    let mut parts = whole.split(groups);
    let first = parts.next()?;
    let in_threes = (1..=3).contains(&first.len()) && parts.all(|part| part.len() == 3);
    in_threes.then(|| format!("{}.{fraction}", whole.replace(groups, "")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use AmountFault::{Ambiguous, Form, Negative, TooLarge};
    use DecimalMark::{Point, PointOrComma};

    fn check(text: &str, mark: DecimalMark, expected: Result<&str, AmountFault>) {
        let read = parse_amount(text, mark).map(|amount| amount.to_string());
        assert_eq!(
            read.as_deref(),
            expected.as_ref().map(|t| *t),
            "{text} {mark:?}"
        );
    }

    #[test]
    fn amounts_are_read_as_they_are_written() {
        for mark in [Point, PointOrComma] {
            check("12.50", mark, Ok("12.50"));
            check("0", mark, Ok("0"));
            check("1250", mark, Ok("1250"));
            check("1 250.00", mark, Ok("1250.00"));
            check("1,250.00", mark, Ok("1250.00"));
        }
        check("12,50", PointOrComma, Ok("12.50"));
        check("1.250,00", PointOrComma, Ok("1250.00"));
        check("1.250.000,5", PointOrComma, Ok("1250000.5"));
    }

    #[test]
    fn what_may_mean_two_amounts_is_refused() {
        check("12,50", Point, Err(Ambiguous));
        check("1,250", Point, Err(Ambiguous));
        check("1.250,00", Point, Err(Ambiguous));
        check("1,250", PointOrComma, Err(Ambiguous));
        check("1.250", PointOrComma, Err(Ambiguous));
    }

    #[test]
    fn other_text_is_refused() {
        check("-1.00", Point, Err(Negative));
        check("9999999999999", Point, Err(TooLarge));
        check("1111111111111111111111111", Point, Err(TooLarge));
        for text in [
            "", "€12", "12 EUR", ".5", "5.", "1.2.3", "1e3", "12,34.5", "x",
        ] {
            check(text, Point, Err(Form));
        }
    }
}
