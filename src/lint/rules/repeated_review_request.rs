//! CH003 repeated-review-request: more than one review request for an order.

use super::About;

/// The rule.
pub(crate) const ABOUT: About = About::new(
    "\
# repeated-review-request (CH003)

## What it does

Finds sequences that would ask for a review more than once for the same order.

## Why it is forbidden

Amazon Communication Guidelines allow one request per order; on the other platforms a second one is taken for
pressure.

## Example

Two steps of kind `review_request` in one sequence, or one per parcel.

## Use instead

Keep one review request per order, with scope `order`.
",
    "the order would be asked for a review more than once",
    "Keep one review request per order.",
);
