//! RM001 incentive-for-review: a benefit in return for a review.

use super::{About, Findings};
use crate::lint::{
    concept::Concept,
    lexicon::Hit,
    rule::Rule,
    scene::{Scene, is_after_delivery},
};

/// The rule.
pub(crate) const ABOUT: About = About::new(
    "\
# incentive-for-review (RM001)

## What it does

Finds any benefit offered for leaving a review, rating or feedback, whatever its tone: money, voucher,
discount, points, gift, free item, prize draw, donation, early access.

## Why it is forbidden

Every marketplace and review site forbids it (Amazon, Customer product reviews policies; Trustpilot, Guidelines
for Businesses; Google Maps, user content policy: rating manipulation; UK DMCC Act 2024, Schedule 20). In an own shop
a neutral, disclosed reward is lawful in most countries, so it is a warning; German courts hold the mail itself
unfair (LG Hildesheim 11 O 12/21, OLG Hamm 4 U 48/13), so it is an error there.

## Example

> Leave a review and we email you a voucher.

## Use instead

> You can leave a review here. It is voluntary and not rewarded.
",
    "a benefit is offered for a review; marketplaces and review sites allow none of any kind, and German courts hold the mail itself unfair",
    "You can leave a review here. It is voluntary and not rewarded.",
)
.by_sentence(sentence);

/// The words of an offer.
pub(super) struct Offer {
    /// The review, rating or praise that is paid for.
    pub(super) act: Hit,
    /// The benefit.
    pub(super) benefit: Hit,
}

fn sentence(scene: Scene<'_>, findings: &mut Findings) {
    if let Some(offer) = offer(scene) {
        findings.report(Rule::IncentiveForReview, &[offer.act, offer.benefit]);
    } else if let Some(benefit) = reward_for_previous(scene) {
        findings.report(Rule::IncentiveForReview, &[benefit]);
    }
}

/// A benefit offered for a review in one sentence.
pub(super) fn offer(scene: Scene<'_>) -> Option<Offer> {
    let benefit = benefit(scene)?;
    let act = act(scene, benefit)?;
    let is_rating = matches!(act.concept, Concept::Top | Concept::TopRating);
    let is_linked = scene.has_any(&[Concept::Exchange, Concept::Equals])
        || scene.affirmed(Concept::Get).is_some()
        || (is_rating && scene.len() <= 12);
    is_linked.then_some(Offer { act, benefit })
}

/// "Leave a review. As a thank-you you get a voucher."
fn reward_for_previous(scene: Scene<'_>) -> Option<Hit> {
    if !scene.has(Concept::Exchange) || scene.affirmed(Concept::Exchange).is_none() {
        return None;
    }
    let benefit = benefit(scene)?;
    scene.previous()?.ask().map(|_| benefit)
}

fn benefit(scene: Scene<'_>) -> Option<Hit> {
    if scene
        .hits(Concept::Benefit)
        .any(|hit| scene.is_negated(hit))
    {
        return None;
    }
    scene.affirmed(Concept::Benefit).or_else(|| {
        // An amount is a benefit where it is handed over: "get $5", "we send you 10 €".
        scene.hits(Concept::Amount).find(|amount| {
            !scene.is_negated(*amount)
                && scene
                    .hits(Concept::Get)
                    .any(|get| get.first < amount.first && Scene::gap(get, *amount) <= 4)
        })
    })
}

fn act(scene: Scene<'_>, benefit: Hit) -> Option<Hit> {
    let overlaps = |hit: &Hit| hit.first <= benefit.last && benefit.first <= hit.last;
    // Without a word of rating, stars in a mail about the goods are goods.
    let may_be_goods = !is_after_delivery(scene.text.kind)
        && !scene.has_any(&[
            Concept::Review,
            Concept::Rate,
            Concept::Feedback,
            Concept::Leave,
            Concept::Equals,
        ]);
    let is_goods =
        |hit: &Hit| may_be_goods && matches!(hit.concept, Concept::TopRating | Concept::LowRating);
    scene
        .review_words()
        .chain(scene.hits(Concept::Praise))
        .chain(
            scene
                .hits(Concept::Feedback)
                .filter(|_| scene.has(Concept::Get)),
        )
        .find(|hit| !overlaps(hit) && !is_goods(hit))
        .or_else(|| {
            // "Tell us how much you loved it and get $5": praise by implication.
            scene
                .affirmed(Concept::Tell)
                .filter(|_| scene.affirmed(Concept::Happy).is_some())
        })
}
