//! RM005 happy-buyers-only: an ask addressed only to the satisfied.

use std::ops::Range;

use super::{About, Findings};
use crate::lint::{
    concept::Concept,
    lexicon::Hit,
    read::Gate,
    rule::Rule,
    scene::{Scene, Text, is_after_delivery},
};

/// The rule.
pub(crate) const ABOUT: About = About::new(
    "\
# happy-buyers-only (RM005)

## What it does

Finds requests addressed only to satisfied buyers: if, when or only if you are happy; “Enjoying it? Review it”; two
buttons that lead the happy to the review and the unhappy elsewhere; a template branch that shows the ask by mood,
score or survey answer.

## Why it is forbidden

FTC, Soliciting and Paying for Online Reviews (2022); Amazon, Customer product reviews policies; Trustpilot, best
practices for invitations; Google Maps, user content policy; Walmart Marketplace Review Policy: all buyers get the
same question.

## Example

> If you are happy with your purchase, please leave a review.

## Use instead

> Whether you liked it or not, your review helps other shoppers decide.
",
    "only satisfied buyers are asked; the FTC and every platform want the same question put to everyone",
    "Put the same question to everyone: \u{201c}Whether you liked it or not, your review helps other shoppers decide.\u{201d}",
)
.by_sentence(sentence)
.by_text(buttons)
.by_gates(gates);

/// How many words may stand between the condition and the mood.
const REACH: usize = 6;

/// The longest question that is a gate, in tokens.
const MAX_QUESTION: usize = 14;

fn sentence(scene: Scene<'_>, findings: &mut Findings) {
    if scene.has(Concept::Balanced) {
        return;
    }
    for happy in scene.hits(Concept::Happy) {
        if scene.is_negated(happy) {
            continue;
        }
        let found = condition(scene, happy)
            .and_then(|condition| Some([condition, happy, ask_beside(scene, happy)?]))
            .or_else(|| {
                let ask = asked_after_question(scene, happy)?;
                Some([happy, happy, ask])
            });
        if let Some(hits) = found {
            findings.report(Rule::HappyBuyersOnly, &hits);
            return;
        }
    }
}

/// "If you are happy": the condition a mood depends on. "We would be happy if" is none.
fn condition(scene: Scene<'_>, happy: Hit) -> Option<Hit> {
    let found = scene.hits(Concept::Condition).find(|condition| {
        condition.first <= happy.first
            && scene.same_clause(*condition, happy)
            && Scene::gap(*condition, happy) <= REACH
            && !scene.is_between(*condition, happy, Concept::Seller)
    })?;
    let is_both_ways = scene
        .hits(Concept::Unhappy)
        .any(|unhappy| scene.same_clause(unhappy, happy) && Scene::gap(unhappy, happy) <= 3);
    (!is_both_ways).then_some(found)
}

fn ask_beside(scene: Scene<'_>, happy: Hit) -> Option<Hit> {
    scene
        .ask()
        .filter(|ask| ask.last < happy.first || happy.last < ask.first)
}

/// "Enjoying it? Review it."
fn asked_after_question(scene: Scene<'_>, happy: Hit) -> Option<Hit> {
    let is_gate = scene.is_question()
        && scene.len() <= MAX_QUESTION
        && !scene.has_any(&[
            Concept::OpenQuestion,
            Concept::Unhappy,
            Concept::Negation,
            Concept::Seller,
        ]);
    if !is_gate || happy.last < happy.first {
        return None;
    }
    let next = scene.next()?;
    if next.has(Concept::Balanced) {
        return None;
    }
    next.ask()
}

/// Two buttons: one for the happy, one for the rest.
fn buttons(text: &Text<'_>, findings: &mut Findings) {
    if !is_after_delivery(text.kind) {
        return;
    }
    let mut happy_at: Option<(u16, Hit)> = None;
    let mut unhappy_at: Option<(u16, Hit)> = None;
    for scene in text.scenes().filter(|scene| scene.len() <= 8) {
        for happy in scene.hits(Concept::Happy) {
            let link = scene.link(happy);
            let place = if scene.is_negated(happy) {
                &mut unhappy_at
            } else {
                &mut happy_at
            };
            if link != 0 {
                place.get_or_insert((link, happy));
            }
        }
        if let Some(unhappy) = scene.hits(Concept::Unhappy).next() {
            let link = scene.link(unhappy);
            if link != 0 {
                unhappy_at.get_or_insert((link, unhappy));
            }
        }
    }
    if let (Some((a, happy)), Some((b, unhappy))) = (happy_at, unhappy_at)
        && a != b
    {
        findings.report(Rule::HappyBuyersOnly, &[happy, unhappy]);
    }
}

/// A template block decided by mood that asks in some of its branches and not in all.
fn gates(asks: &[Range<usize>], gates: &[Gate], findings: &mut Findings) {
    for gate in gates {
        let asked = gate
            .branches
            .iter()
            .filter(|branch| {
                asks.iter()
                    .any(|ask| branch.start <= ask.start && ask.end <= branch.end)
            })
            .count();
        if asked > 0 && (asked < gate.branches.len() || gate.may_be_empty) {
            findings.report_source(Rule::HappyBuyersOnly, gate.condition.clone());
        }
    }
}
