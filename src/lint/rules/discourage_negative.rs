//! RM011 discourage-negative: asks not to leave a low rating.

use super::{About, Findings};
use crate::lint::{concept::Concept, lexicon::Hit, rule::Rule, scene::Scene};

/// The rule.
pub(crate) const ABOUT: About = About::new(
    "\
# discourage-negative (RM011)

## What it does

Finds requests not to leave a low, neutral or negative rating, and statements that less than the top counts as
failure. “Do not” does not neutralise this rule: it is what the rule looks for.

## Why it is forbidden

Google Maps, user content policy: discouraging negative reviews is rating manipulation; Amazon, Customer product
reviews policies.

## Example

> Please do not leave a bad review.

## Use instead

Remove the sentence. “We read every review, one star or five” is fine.
",
    "it discourages low or negative ratings; Google and Amazon name that as manipulation",
    "Remove the sentence.",
)
.by_sentence(sentence);

/// How many words may stand between the parts of the request.
const REACH: usize = 6;

fn sentence(scene: Scene<'_>, findings: &mut Findings) {
    if let Some(hits) = asks_not_to(scene)
        .or_else(|| less_is_failure(scene))
        .or_else(|| top_or_nothing(scene))
        .or_else(|| low_does_harm(scene))
    {
        findings.report(Rule::DiscourageNegative, &hits);
    }
}

/// "Do not leave a bad review", "avoid giving us 1-4 stars".
fn asks_not_to(scene: Scene<'_>) -> Option<[Hit; 2]> {
    let bad = bad_review(scene)?;
    let not = scene
        .hits(Concept::Negation)
        .chain(scene.hits(Concept::Avoid))
        .find(|not| {
            let act = scene
                .hits(Concept::Leave)
                .chain(scene.hits(Concept::Rate))
                .find(|act| {
                    // "Geben Sie keine schlechte Bewertung": the act may stand first.
                    let reach = if act.first >= not.first { 3 } else { 2 };
                    scene.same_clause(*not, *act)
                        && Scene::gap(*not, *act) <= reach
                        && act.first <= bad.last
                });
            not.first < bad.first
                && scene.same_clause(*not, bad)
                && Scene::gap(*not, bad) <= REACH
                && (act.is_some() || not.concept == Concept::Avoid)
                && !is_sellers_own(scene, *not)
        })?;
    Some([not, bad])
}

/// The low rating or negative review spoken of.
fn bad_review(scene: Scene<'_>) -> Option<Hit> {
    let review = |negative: &Hit| {
        scene
            .review_words()
            .chain(scene.hits(Concept::Feedback))
            .any(|review| {
                scene.same_clause(*negative, review) && Scene::gap(*negative, review) <= 2
            })
    };
    scene
        .hits(Concept::LowRating)
        .next()
        .or_else(|| scene.hits(Concept::Negative).find(review))
}

/// "We do not delete bad reviews": the seller speaks of what the seller does.
fn is_sellers_own(scene: Scene<'_>, not: Hit) -> bool {
    scene.hits(Concept::Seller).any(|seller| {
        seller.last < not.first
            && Scene::gap(seller, not) <= 1
            && scene.same_clause(seller, not)
            && !scene.is_between(seller, not, Concept::Ask)
    })
}

/// "Anything less than five stars counts as a fail for us."
fn less_is_failure(scene: Scene<'_>) -> Option<[Hit; 2]> {
    scene
        .hits(Concept::TopRating)
        .chain(scene.hits(Concept::Top))
        .find_map(|top| {
            scene
                .hits(Concept::LessThan)
                .find(|less| less.last < top.first && Scene::gap(*less, top) <= 2)
                .map(|less| [less, top])
        })
}

/// "If it cannot be five stars, say nothing": what is to happen when the top is not given.
fn top_or_nothing(scene: Scene<'_>) -> Option<[Hit; 2]> {
    if !scene.has_any(&[Concept::Ask, Concept::Leave, Concept::Tell]) {
        return None;
    }
    let top = [Concept::TopRating, Concept::Top]
        .into_iter()
        .flat_map(|concept| scene.hits(concept))
        .find(|top| scene.is_negated(*top))?;
    scene
        .hits(Concept::Condition)
        .find(|condition| {
            condition.last < top.first
                && scene.same_clause(*condition, top)
                && scene.is_between(*condition, top, Concept::Negation)
        })
        .map(|condition| [condition, top])
}

/// "Four stars hurt our shop": the buyer is told what a low rating does.
fn low_does_harm(scene: Scene<'_>) -> Option<[Hit; 2]> {
    let bad = bad_review(scene)?;
    scene
        .affirmed(Concept::Harm)
        .filter(|harm| scene.same_clause(*harm, bad) && Scene::gap(*harm, bad) <= REACH)
        .map(|harm| [bad, harm])
}
