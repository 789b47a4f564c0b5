//! Spreading of sendings: the same key always gets the same offset.

use chrono::TimeDelta;
use sha2::{Digest, Sha256};

use super::step::Span;

/// An offset in `[0, spread)`, whole milliseconds, uniform over keys and fixed for each.
///
/// The key is the row's unique key, so planning again moves nothing. A spread of zero or less
/// gives no offset.
pub fn offset(key: &str, spread: Span) -> TimeDelta {
    let millis = u64::try_from(spread.elapsed().num_milliseconds()).unwrap_or(0);
    let digest = Sha256::digest(key.as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    // The high half of the product scales the hash to the range without a bias that matters.
    let scaled = (u128::from(u64::from_be_bytes(first)) * u128::from(millis)) >> 64;
    TimeDelta::milliseconds(i64::try_from(scaled).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_fixed_by_its_key_and_stays_inside_the_spread() {
        let spread = Span::hours(2);
        for n in 0..10_000 {
            let key = format!("order:{n}");
            let at = offset(&key, spread);
            assert_eq!(at, offset(&key, spread));
            assert!(at >= TimeDelta::zero() && at < spread.elapsed(), "{key}");
        }
        // Fixed for good: a changed value would move mails that are already planned.
        assert_eq!(
            offset("order:1", spread),
            TimeDelta::milliseconds(5_645_809)
        );
    }

    #[test]
    fn offsets_fill_the_spread_evenly() {
        let mut tenths = [0_u32; 10];
        for n in 0..10_000 {
            let at = offset(&format!("key {n}"), Span::hours(1));
            tenths[usize::try_from(at.num_milliseconds() / 360_000).unwrap()] += 1;
        }
        assert!(
            tenths.iter().all(|count| (850..1150).contains(count)),
            "{tenths:?}"
        );
    }

    #[test]
    fn no_spread_means_no_offset() {
        for spread in [Span::ZERO, Span::hours(-1)] {
            assert_eq!(offset("key", spread), TimeDelta::zero());
        }
    }
}
