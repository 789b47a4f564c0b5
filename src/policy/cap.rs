//! How many relationship mails one buyer may get in a rolling time, over all orders.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{clock::Instant, sequence::Span};

/// At most `max` mails in any stretch of time as long as `per`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// How many.
    pub max: u32,
    /// In how long, as elapsed time.
    pub per: Span,
}

/// When the cap allows the buyer another mail: `None` if it does now.
///
/// `sent` holds, in any order, when the buyer's mails of the class were sent or are about to be;
/// one that lies in the future (a clock that was set back) counts as sent. A cap of zero mails
/// never frees; one over no time holds nobody back.
pub fn cap_frees_at(sent: &[Instant], cap: Cap, now: Instant) -> Option<Instant> {
    let per = cap.per.elapsed();
    if per <= chrono::TimeDelta::zero() {
        return None;
    }
    let Some(nth) = usize::try_from(cap.max)
        .ok()
        .and_then(|max| max.checked_sub(1))
    else {
        return Some(DateTime::<Utc>::MAX_UTC);
    };
    let mut newest_first = sent.to_vec();
    newest_first.sort_unstable_by(|a, b| b.cmp(a));
    let frees = newest_first
        .get(nth)?
        .checked_add_signed(per)
        .unwrap_or(DateTime::<Utc>::MAX_UTC);
    (frees > now).then_some(frees)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_millis;
    use chrono::TimeDelta;

    #[test]
    fn a_cap_frees_when_the_oldest_mail_that_fills_it_leaves_the_period() {
        let now = from_millis(1_800_000_000_000);
        let days = |days: i64| now + TimeDelta::days(days);
        for (sent, max, per, expected) in [
            (vec![], 1, Span::days(7), None),
            (vec![-1], 2, Span::days(7), None),
            (vec![-1], 1, Span::days(7), Some(6)),
            (vec![-7], 1, Span::days(7), None),
            (vec![-1, -3, -2], 2, Span::days(7), Some(5)),
            (vec![-3, -1, -2], 3, Span::days(7), Some(4)),
            (vec![-30, -1], 2, Span::days(7), None),
            (vec![2], 1, Span::days(7), Some(9)),
            (vec![0], 1, Span::ZERO, None),
        ] {
            let at: Vec<Instant> = sent.iter().map(|d| days(*d)).collect();
            assert_eq!(
                cap_frees_at(&at, Cap { max, per }, now),
                expected.map(days),
                "{sent:?} {max}"
            );
        }
    }

    #[test]
    fn a_cap_of_none_never_frees() {
        let cap = Cap {
            max: 0,
            per: Span::days(1),
        };
        let never = Some(DateTime::<Utc>::MAX_UTC);
        assert_eq!(cap_frees_at(&[], cap, from_millis(0)), never);
        let one = Cap { max: 1, ..cap };
        assert_eq!(
            cap_frees_at(&[DateTime::<Utc>::MAX_UTC], one, from_millis(0)),
            never
        );
    }

    proptest::proptest! {
        #[test]
        fn the_freed_instant_is_the_first_with_room(
            sent in proptest::collection::vec(0_i64..1000, 0..8),
            max in 1_u32..4,
        ) {
            let at: Vec<Instant> = sent.iter().map(|m| from_millis(m * 60_000)).collect();
            let cap = Cap { max, per: Span::minutes(300) };
            let now = from_millis(1000 * 60_000);
            let used = |at_minute: i64| sent.iter().filter(|m| **m > at_minute - 300).count();
            let first = (1000..2000).find(|m| used(*m) < max as usize).unwrap();
            let expected = (first > 1000).then(|| from_millis(first * 60_000));
            proptest::prop_assert_eq!(cap_frees_at(&at, cap, now), expected);
        }
    }
}
