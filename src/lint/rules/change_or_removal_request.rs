//! RM007 change-or-removal-request: asks to change or remove a review.

use super::{About, Findings};
use crate::lint::{concept::Concept, lexicon::Hit, rule::Rule, scene::Scene};

/// The rule.
pub(crate) const ABOUT: About = About::new(
    "\
# change-or-removal-request (RM007)

## What it does

Finds requests, invitations and hints to change, update, edit, revise, reconsider, raise, withdraw, remove or delete
a review, rating or comment that exists.

## Why it is forbidden

Amazon never allows it for product reviews (Customer product reviews policies); Allegro takes such requests only
through its own form (Terms, section 11); Trustpilot forbids it in invitations. eBay has a revision request of its own,
so a plain mention is a warning there outside replies to complaints.

## Example

> Now that the issue is solved, could you update your review?

## Use instead

Solve the problem and say nothing about the review:

> A replacement leaves our warehouse today.
",
    "it asks to change or remove a review; that decision is the buyer's alone on every platform",
    "Solve the problem and say nothing about the review.",
)
.by_sentence(sentence);

/// How many words may stand between the change and the review.
const REACH: usize = 6;

fn sentence(scene: Scene<'_>, findings: &mut Findings) {
    for change in scene.hits(Concept::Change) {
        if scene.is_negated(change) || is_sellers_own(scene, change) {
            continue;
        }
        if let Some(review) = review(scene, change).filter(|hit| !is_none(scene, change, *hit)) {
            findings.report(Rule::ChangeOrRemovalRequest, &[change, review]);
            return;
        }
    }
}

/// The review the change is about.
fn review(scene: Scene<'_>, change: Hit) -> Option<Hit> {
    let is_furniture = |hit: Hit| {
        scene
            .hits(Concept::ReviewFurniture)
            .any(|furniture| furniture.first <= hit.last && hit.first <= furniture.last)
    };
    [
        Concept::Review,
        Concept::Feedback,
        Concept::TopRating,
        Concept::LowRating,
    ]
    .into_iter()
    .flat_map(|concept| scene.hits(concept))
    .find(|hit| {
        scene.same_clause(change, *hit) && Scene::gap(change, *hit) <= REACH && !is_furniture(*hit)
    })
}

/// "We change or delete no review": the negation stands before the review instead of the act.
fn is_none(scene: Scene<'_>, change: Hit, review: Hit) -> bool {
    scene.hits(Concept::Negation).any(|not| {
        change.last < not.first && not.last < review.first && Scene::gap(not, review) <= 1
    })
}

/// "We have updated our review page": the seller changes something, the buyer is asked nothing.
fn is_sellers_own(scene: Scene<'_>, change: Hit) -> bool {
    scene.hits(Concept::Seller).any(|seller| {
        seller.last < change.first
            && Scene::gap(seller, change) <= 1
            && scene.same_clause(seller, change)
            && !scene.is_between(seller, change, Concept::Ask)
            && !scene.has(Concept::Ask)
    })
}
