//! CH001 kind-not-allowed-on-channel: a step whose mail the channel does not allow.

use super::About;

/// The rule.
pub(crate) const ABOUT: About = About::new(
    "\
# kind-not-allowed-on-channel (CH001)

## What it does

Finds steps of a sequence whose mail kind the channel's policy forbids.

## Why it is forbidden

Amazon sends order and shipping confirmations itself and wants no mere thank-you; Allegro allows no message that
repeats what Allegro sends (Amazon Communication Guidelines; Allegro developer news, 14 October 2025).

## Example

A step `shipped` in the sequence of an Amazon channel.

## Use instead

Leave the step out for that channel, or record in the settings who allowed it and why.
",
    "the channel does not allow this kind of mail",
    "Leave the step out for this channel.",
);
