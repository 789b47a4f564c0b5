//! RM003 positive-only-ask: asks for praise instead of an opinion.

use super::{About, Findings};
use crate::{
    lint::{
        concept::Concept,
        lexicon::Hit,
        rule::Rule,
        scene::{Scene, is_after_delivery},
    },
    mail::MailKind,
};

/// The rule.
pub(crate) const ABOUT: About = About::new(
    "\
# positive-only-ask (RM003)

## What it does

Finds requests for a good, kind, glowing or favourable review, for praise, a recommendation or a thumbs up.
Leading words count.

## Why it is forbidden

Amazon, Customer product reviews policies; Trustpilot, Guidelines for Businesses; Google Maps, user content policy.
In the United States it counts as misleading solicitation (FTC, Soliciting and Paying for Online Reviews, 2022).
eBay forbids demanding positive feedback rather than asking, so it is a warning there.

## Example

> Please leave positive feedback.

## Use instead

> Tell other shoppers what you think, good or bad.
",
    "only praise is asked for; platforms want requests that leave the tone to the buyer",
    "Tell other shoppers what you think, good or bad.",
)
.by_sentence(sentence);

/// How many words may stand between the praise and the review.
const REACH: usize = 2;

fn sentence(scene: Scene<'_>, findings: &mut Findings) {
    if scene.has(Concept::Balanced) {
        return;
    }
    for positive in scene.hits(Concept::Positive) {
        if let Some(review) = praised(scene, positive) {
            findings.report(Rule::PositiveOnlyAsk, &[positive, review]);
        }
    }
    let is_asked = is_after_delivery(scene.text.kind)
        || scene.has_any(&[Concept::Ask, Concept::Leave, Concept::Review, Concept::Tell]);
    if is_asked && let Some(praise) = scene.affirmed(Concept::Praise) {
        findings.report(Rule::PositiveOnlyAsk, &[praise]);
    }
}

/// The review a word of praise stands with, where that is asked for.
fn praised(scene: Scene<'_>, positive: Hit) -> Option<Hit> {
    let is_paired = scene
        .hits(Concept::Negative)
        .any(|negative| Scene::gap(positive, negative) <= 3);
    if is_paired || scene.is_negated(positive) {
        return None;
    }
    let is_asked = scene.text.kind == MailKind::ReviewRequest
        || scene.has_any(&[Concept::Ask, Concept::Leave, Concept::Rate]);
    let is_thanked = scene.text.kind != MailKind::ReviewRequest
        && scene
            .hits(Concept::Thanks)
            .any(|thanks| thanks.last < positive.first && Scene::gap(thanks, positive) <= 3);
    if !is_asked || is_thanked {
        return None;
    }
    let parted = |review: Hit| {
        [Concept::Condition, Concept::Leave, Concept::Ask]
            .into_iter()
            .any(|concept| scene.is_between(positive, review, concept))
    };
    [Concept::Review, Concept::Feedback, Concept::Rate]
        .into_iter()
        .flat_map(|concept| scene.hits(concept))
        .find(|review| {
            scene.same_clause(positive, *review)
                && Scene::gap(positive, *review) <= REACH
                // "Feedback from awesome customers": behind the noun only an adjective of it counts.
                && (positive.first < review.first
                    || Scene::gap(positive, *review)
                        <= usize::from(scene.is_between(*review, positive, Concept::Intensifier)))
                // "It would be great to rate us": only what follows the act describes it.
                && (review.concept != Concept::Rate || positive.first > review.last)
                && !parted(*review)
        })
}
