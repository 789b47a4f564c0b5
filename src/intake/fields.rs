//! The fields an order file may have: one table for the CSV and the order objects of JSON lines.

/// What a field belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// The order: the same value, or nothing, in each of its rows.
    Order,
    /// One article.
    Line,
    /// One parcel.
    Parcel,
}

/// A documented column of the order CSV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// The header, and the key in JSON lines.
    pub name: &'static str,
    /// `order`, `line` or `parcel`.
    pub level: &'static str,
    /// What it holds.
    pub meaning: &'static str,
}

macro_rules! fields {
    ($($field:ident $name:literal $level:ident $meaning:literal;)+) => {
        /// A field of an order file.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Field { $($field,)+ }

        impl Field {
            /// Every field, in the order of the documentation.
            pub(super) const ALL: &'static [Self] = &[$(Self::$field,)+];

            /// The header of the column and the key of the object.
            pub(super) const fn name(self) -> &'static str {
                match self { $(Self::$field => $name,)+ }
            }

            /// What it belongs to.
            pub(super) const fn level(self) -> Level {
                match self { $(Self::$field => Level::$level,)+ }
            }

            const fn meaning(self) -> &'static str {
                match self { $(Self::$field => $meaning,)+ }
            }
        }
    };
}

fields! {
    OrderRef "order_ref" Order "the order number, as your shop writes it";
    Channel "channel" Order "the channel, where one file holds several";
    Test "test" Order "`yes` for a test order: stored, never mailed";
    BuyerEmail "buyer_email" Order "the buyer's address for this order";
    BuyerName "buyer_name" Order "the buyer's full name";
    FirstName "first_name" Order "the first name, if you know it apart";
    Language "language" Order "the language the buyer shopped in: `de`, `pl`, `en-GB`";
    Country "country" Order "ship-to country, two letters: `DE`";
    Region "region" Order "ship-to region: `CA` or `US-CA`";
    Zone "zone" Order "the buyer's time zone, if you know it: `Europe/Warsaw`";
    Address "address" Order "the delivery address, one line of it per line";
    Currency "currency" Order "three letters: `EUR`";
    Total "total" Order "what the buyer pays in all";
    Shipping "shipping" Order "what of it is postage";
    Discount "discount" Order "what was taken off";
    AcceptedAt "accepted_at" Order "when the order was placed";
    PromisedDispatchBy "promised_dispatch_by" Order "until when you promised to send it";
    PromisedBy "promised_by" Order "until when you promised it would arrive";
    OrderUrl "order_url" Order "the page where the buyer sees the order";
    InvoiceUrl "invoice_url" Order "the page of the invoice";
    Basis "basis" Order "the ground for follow-up and review mail: `consent`, `soft_opt_in` or `platform`";
    BasisAt "basis_at" Order "when it was given or shown";
    BasisPlace "basis_place" Order "where: `checkout`, `account`";
    BasisText "basis_text" Order "the version of the text the buyer saw";
    Tags "tags" Order "your own labels, parted by commas";
    PaidAt "paid_at" Order "when the money was confirmed";
    PaymentMethod "payment_method" Order "`card`, `transfer`, `cod` (pay on delivery), ...";
    StatementName "statement_name" Order "your name on the buyer's bank statement";
    DelayedAt "delayed_at" Order "when a delay became known";
    DelayedTo "delayed_to" Order "the new date, if there is one";
    CancelledAt "cancelled_at" Order "when the order was cancelled";
    CancelledBy "cancelled_by" Order "`buyer`, `seller` or `system`";
    CancelReason "cancel_reason" Order "why; for you, not for the buyer";
    RefundedAt "refunded_at" Order "when money went back";
    RefundAmount "refund_amount" Order "how much; less than the total is a partial refund";
    RefundRef "refund_ref" Order "the number of the refund";
    RefundMethod "refund_method" Order "how it went back";
    ReturnRequestedAt "return_requested_at" Order "when the buyer opened a return";
    ReturnCompletedAt "return_completed_at" Order "when the return was closed";
    ReturnResult "return_result" Order "`refunded`, `replaced`, `declined` or `withdrawn`";
    ReturnRef "return_ref" Order "the number of the return";
    ComplaintOpenedAt "complaint_opened_at" Order "when a complaint, claim or dispute was opened";
    ComplaintClosedAt "complaint_closed_at" Order "when it was over";
    ComplaintRef "complaint_ref" Order "the number of the complaint";
    ReviewLeftAt "review_left_at" Order "when the buyer rated the order: nobody is asked again";
    LineRef "line_ref" Line "the number of the line, if your shop has one";
    Sku "sku" Line "your article number";
    Title "title" Line "the article, as the buyer knows it";
    Quantity "quantity" Line "how many; 1 if empty";
    Price "price" Line "the price of one";
    Ships "ships" Line "`no` for a download or a service; `yes` if empty";
    ParcelRef "parcel_ref" Parcel "the number of the parcel, if your system has one";
    ShippedAt "shipped_at" Parcel "when the parcel was handed over";
    Carrier "carrier" Parcel "who carries it";
    TrackingNumber "tracking_number" Parcel "the number to follow it by";
    TrackingUrl "tracking_url" Parcel "the page to follow it on";
    ExpectedAt "expected_at" Parcel "when it should arrive";
    PickupReadyAt "pickup_ready_at" Parcel "since when it waits to be collected";
    PickupUntil "pickup_until" Parcel "how long it waits";
    PickupPlace "pickup_place" Parcel "where it waits";
    DeliveredAt "delivered_at" Parcel "when the buyer had it";
    DeliveryEvidence "delivery_evidence" Parcel "who says so: `carrier`, `aggregator`, `marketplace` (your shop, if empty) or `buyer`";
    LostAt "lost_at" Parcel "when the carrier declared it lost";
    ReturnedToSenderAt "returned_to_sender_at" Parcel "when it was back with you";
}

impl Field {
    /// The field of a header or key, spelled in any case, with spaces or dashes for `_`.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        let name = normalised(name);
        Self::ALL.iter().copied().find(|field| field.name() == name)
    }

    /// The field somebody probably meant.
    pub(super) fn guess(name: &str) -> Option<&'static str> {
        // What other exports call our fields; too far from them in letters to be found by likeness.
        const OTHER_NAMES: [(&str, &str); 28] = [
            ("id", "order_ref"),
            ("order", "order_ref"),
            ("order_id", "order_ref"),
            ("order_number", "order_ref"),
            ("order_no", "order_ref"),
            ("order_nr", "order_ref"),
            ("number", "order_ref"),
            ("email", "buyer_email"),
            ("e_mail", "buyer_email"),
            ("mail", "buyer_email"),
            ("customer_email", "buyer_email"),
            ("name", "buyer_name"),
            ("customer", "buyer_name"),
            ("customer_name", "buyer_name"),
            ("locale", "language"),
            ("lang", "language"),
            ("country_code", "country"),
            ("state", "region"),
            ("amount", "total"),
            ("date", "accepted_at"),
            ("created_at", "accepted_at"),
            ("order_date", "accepted_at"),
            ("ordered_at", "accepted_at"),
            ("dispatched_at", "shipped_at"),
            ("qty", "quantity"),
            ("product", "title"),
            ("tracking", "tracking_number"),
            ("eta", "expected_at"),
        ];
        let name = normalised(name);
        OTHER_NAMES
            .iter()
            .find(|(other, _)| *other == name)
            .map(|(_, ours)| *ours)
            .or_else(|| super::error::nearest(&name, Self::ALL.iter().map(|field| field.name())))
    }
}

fn normalised(name: &str) -> String {
    name.trim()
        .chars()
        .map(|c| match c {
            ' ' | '-' => '_',
            c => c.to_ascii_lowercase(),
        })
        .collect()
}

/// Every column of the order CSV, in the order of the documentation.
pub fn columns() -> impl Iterator<Item = Column> {
    Field::ALL.iter().map(|field| Column {
        name: field.name(),
        level: match field.level() {
            Level::Order => "order",
            Level::Line => "line",
            Level::Parcel => "parcel",
        },
        meaning: field.meaning(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_in_any_case_and_spacing() {
        assert_eq!(Field::from_name(" Order Ref"), Some(Field::OrderRef));
        assert_eq!(Field::from_name("PAID-AT"), Some(Field::PaidAt));
        assert_eq!(Field::from_name("colour"), None);
    }

    #[test]
    fn a_foreign_or_misspelt_header_is_guessed() {
        assert_eq!(Field::guess("Order Number"), Some("order_ref"));
        assert_eq!(Field::guess("E-Mail"), Some("buyer_email"));
        assert_eq!(Field::guess("traking_number"), Some("tracking_number"));
        assert_eq!(Field::guess("colour"), None);
    }
}
