//! The ideas the rules reason about. A lexicon says which words of a language carry which idea.

macro_rules! concepts {
    ($($(#[doc = $doc:literal])* $variant:ident $key:literal,)*) => {
        /// An idea a word or phrase can carry, whatever the language.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Concept { $($(#[doc = $doc])* $variant,)* }

        impl Concept {
            /// Every concept, in declared order.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The key a lexicon file writes it under.
            pub(crate) const fn key(self) -> &'static str {
                match self { $(Self::$variant => $key,)* }
            }
        }
    };
}

concepts! {
    /// The public judgement itself: review, rating, testimonial.
    Review "review",
    /// The act of judging, addressed to the buyer: rate us, review your order.
    Rate "rate",
    /// A word that means a public judgement only beside other review words: feedback, comment.
    Feedback "feedback",
    /// Praise asked for by name: kind words, thumbs up, recommend us.
    Praise "praise",
    /// The star of a rating.
    Star "star",
    /// The best rating by name: top score, 5/5, full marks.
    Top "top",
    /// Tell us, tell others, share.
    Tell "tell",
    /// To leave, write, post or give a review.
    Leave "leave",
    /// Marks a request or wish: please, could you, we would love.
    Ask "ask",
    /// Good, positive, glowing, kind.
    Positive "positive",
    /// Bad, negative, low, neutral.
    Negative "negative",
    /// Names both directions: good or bad, whatever you think.
    Balanced "balanced",
    /// The number five as a word.
    Five "five",
    /// The numbers one to four as words.
    LowNumber "low_number",
    /// Satisfied, loved it, met expectations.
    Happy "happy",
    /// Dissatisfied, disappointed.
    Unhappy "unhappy",
    /// If, when, in case.
    Condition "condition",
    /// Voucher, discount, gift, points, prize draw.
    Benefit "benefit",
    /// To get, receive, win; we send, we give.
    Get "get",
    /// In return, as a thank-you, reward.
    Exchange "exchange",
    /// Not, no, never, nothing, without.
    Negation "negation",
    /// To change, update, revise, raise, remove, delete.
    Change "change",
    /// Less than, below, under.
    LessThan "less_than",
    /// To hurt, to harm, to count as a failure.
    Harm "harm",
    /// To avoid, to refrain from.
    Avoid "avoid",
    /// The seller as subject: we, us.
    Seller "seller",
    /// How, what: opens a question that leaves the answer to the buyer.
    OpenQuestion "open_question",
    /// But, instead: ends the reach of a negation.
    Turn "turn",
    /// Very, really: may stand between a review and the word of praise after it.
    Intensifier "intensifier",
    /// Thanks for something already given.
    Thanks "thanks",
    /// Review page, review invitation: the review as furniture, not as a text.
    ReviewFurniture "review_furniture",
    /// A review site outside the channel.
    Site "site",
    /// A rating of the best value, put together from number and star.
    TopRating "top_rating",
    /// A rating below the best, put together from number and star.
    LowRating "low_rating",
    /// A whole scale, from the lowest to the best value.
    Scale "scale",
    /// An amount of money or a percentage.
    Amount "amount",
    /// An equals sign or arrow.
    Equals "equals",
}

impl Concept {
    /// Without one of these in a text no review rule can apply, and reading ends there.
    pub(crate) const fn is_trigger(self) -> bool {
        matches!(
            self,
            Self::Review
                | Self::Rate
                | Self::Feedback
                | Self::Praise
                | Self::Star
                | Self::Top
                | Self::Tell
                | Self::Site
        )
    }

    /// The concept as one bit of a set.
    pub(crate) const fn bit(self) -> u64 {
        1 << self as u64
    }

    /// The concept a lexicon key names. Concepts the engine derives cannot be listed.
    pub(crate) fn from_key(key: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|concept| concept.key() == key && !concept.is_derived())
    }

    const fn is_derived(self) -> bool {
        matches!(
            self,
            Self::TopRating | Self::LowRating | Self::Scale | Self::Amount | Self::Equals
        )
    }
}
