//! An order as a file tells it, read and turned into events.

use std::fmt::Write as _;

use chrono_tz::Tz;
use rust_decimal::Decimal;

use crate::{
    mail::{Address, Locale},
    order::{
        Fact, OrderEvent,
        event::{
            Basis, BasisRecord, Buyer, Cancellation, Complaint, Delay, Delivery, Empty, Line,
            OrderDetails, Payment, Pickup, Reason, Refund, ReturnCase, ReturnLeg, Rung, Shipment,
        },
    },
};

use super::{
    MAX_EVENTS, MAX_LINES, Options, Record,
    amounts::{AmountFault, DecimalMark, parse_amount},
    dates::{DateFault, When, parse_date},
    draft::{Cell, Cells, Draft, ParcelDraft},
    error::{IntakeError, ReadError, Rejected, Warning, shape},
    fields::Field,
    ids,
};

/// Turns drafts into records.
pub(super) struct Build {
    source: &'static str,
    mark: DecimalMark,
    pub(super) options: Options,
}

impl Build {
    pub(super) fn new(source: &'static str, mark: DecimalMark, options: Options) -> Self {
        Self {
            source,
            mark,
            options,
        }
    }

    /// The record of an order, or everything that is wrong with it.
    pub(super) fn record(&self, mut draft: Draft<'_>) -> Result<Record, ReadError> {
        let mut reader = Reader {
            build: self,
            errors: std::mem::take(&mut draft.errors),
            warnings: std::mem::take(&mut draft.warnings),
        };
        let channel = reader.text(&draft.order, Field::Channel);
        let events = reader.events(&draft);
        let Reader {
            mut errors,
            warnings,
            ..
        } = reader;
        if events.is_empty() && errors.is_empty() {
            errors.push(IntakeError::at_line(
                draft.line,
                "nothing says what happened to the order",
                "fill `accepted_at`, or another column that ends in `_at`",
            ));
        }
        if events.len() > MAX_EVENTS {
            errors.push(IntakeError::at_line(
                draft.line,
                format!("the order gives more than {MAX_EVENTS} events"),
                "check that its rows belong to one order",
            ));
        }
        if !errors.is_empty() {
            errors.sort_by_key(|error| (error.line, error.column));
            return Err(ReadError::Rejected(Rejected {
                line: draft.line,
                order_ref: Some(draft.order_ref),
                errors,
            }));
        }
        let mut record = Record {
            line: draft.line,
            channel,
            order_ref: draft.order_ref,
            events,
            warnings,
        };
        self.finish(&mut record);
        Ok(record)
    }

    /// Gives events without one a key, and the time they were received.
    pub(super) fn finish(&self, record: &mut Record) {
        let channel = record.channel.as_deref().unwrap_or(&self.options.channel);
        for event in &mut record.events {
            if event.source_event_id.is_empty() {
                event.source_event_id = ids::content_key(channel, event);
            }
            event.received_at = event.received_at.or(self.options.now);
        }
    }
}

/// Reads the values of one order, gathering what is wrong.
struct Reader<'b> {
    build: &'b Build,
    errors: Vec<IntakeError>,
    warnings: Vec<Warning>,
}

impl Reader<'_> {
    fn events(&mut self, draft: &Draft<'_>) -> Vec<OrderEvent> {
        let order = &draft.order;
        let mut events = Events {
            source: self.build.source,
            order_ref: &draft.order_ref,
            test: self.flag(order, Field::Test).unwrap_or(false),
            list: Vec::new(),
        };
        self.check_lengths(draft);
        let lines = self.lines(draft);
        let currency = self.currency(order);
        let details = self.details(order, currency.clone());
        let accepted = self.occurred(order, Field::AcceptedAt);
        let paid = self.occurred(order, Field::PaidAt);
        let payment = Payment {
            amount: details.total,
            currency: currency.clone(),
            method: self.text(order, Field::PaymentMethod).map(payment_method),
            statement_name: self.text(order, Field::StatementName),
        };
        // Pay on delivery counts as paid once the order is accepted: nothing else will come.
        let paid = paid.or(accepted.filter(|_| payment.method.as_deref() == Some("cod")));
        let line_refs: Vec<String> = lines.iter().map(|line| line.line_ref.clone()).collect();
        if let Some(when) = accepted {
            events.add(when, Fact::OrderAccepted(OrderDetails { lines, ..details }));
        } else if let Some(cells) = draft.lines.first() {
            self.lacks_acceptance(draft, cells);
        }
        if let Some(when) = paid {
            events.add(when, Fact::PaymentReceived(payment));
        }
        for (index, parcel) in draft.parcels.iter().enumerate() {
            self.parcel(draft, parcel, index, &line_refs, &mut events);
        }
        self.check_unsent_lines(draft, &line_refs);
        self.misfortunes(order, currency, &mut events);
        events.list
    }

    /// What befell the order as a whole after its sale.
    fn misfortunes(
        &mut self,
        order: &Cells<'_>,
        currency: Option<String>,
        events: &mut Events<'_>,
    ) {
        if let Some(when) = self.occurred(order, Field::DelayedAt) {
            let expected_at = self.expected(order, Field::DelayedTo);
            let delay = Delay {
                expected_at,
                reason: None,
            };
            events.add(when, Fact::Delayed(delay));
        }
        if let Some(when) = self.occurred(order, Field::CancelledAt) {
            let cancellation = Cancellation {
                by: self.text(order, Field::CancelledBy),
                reason: self.text(order, Field::CancelReason),
            };
            events.add(when, Fact::Cancelled(cancellation));
        }
        let amount = self.amount(order, Field::RefundAmount);
        if let Some(when) = self.occurred(order, Field::RefundedAt) {
            let refund = Refund {
                amount,
                currency,
                refund_ref: self.text(order, Field::RefundRef),
                method: self.text(order, Field::RefundMethod),
                partial: None,
            };
            events.add(when, Fact::RefundIssued(refund));
        } else if let Some(cell) = order.get(Field::RefundAmount) {
            self.errors.push(cell.error(
                Field::RefundAmount,
                "an amount went back, but not when",
                "fill `refunded_at` as well",
            ));
        }
        let case = ReturnCase {
            return_ref: self.text(order, Field::ReturnRef),
            reason: None,
            result: None,
        };
        if let Some(when) = self.occurred(order, Field::ReturnRequestedAt) {
            events.add(when, Fact::ReturnRequested(case.clone()));
        }
        if let Some(when) = self.occurred(order, Field::ReturnCompletedAt) {
            let result = self.text(order, Field::ReturnResult);
            events.add(when, Fact::ReturnCompleted(ReturnCase { result, ..case }));
        }
        let complaint = Complaint {
            complaint_ref: self.text(order, Field::ComplaintRef),
            ..Complaint::default()
        };
        if let Some(when) = self.occurred(order, Field::ComplaintOpenedAt) {
            events.add(when, Fact::ComplaintOpened(complaint.clone()));
        }
        if let Some(when) = self.occurred(order, Field::ComplaintClosedAt) {
            events.add(when, Fact::ComplaintClosed(complaint));
        }
        if let Some(when) = self.occurred(order, Field::ReviewLeftAt) {
            events.add(when, Fact::ReviewLeft(Empty {}));
        }
    }

    fn details(&mut self, order: &Cells<'_>, currency: Option<String>) -> OrderDetails {
        OrderDetails {
            buyer: self.buyer(order),
            language: self.language(order),
            lines: Vec::new(),
            currency,
            total: self.amount(order, Field::Total),
            shipping: self.amount(order, Field::Shipping),
            discount: self.amount(order, Field::Discount),
            promised_dispatch_by: self.expected(order, Field::PromisedDispatchBy),
            promised_by: self.expected(order, Field::PromisedBy),
            order_url: self.link(order, Field::OrderUrl),
            invoice_url: self.link(order, Field::InvoiceUrl),
            basis: self.basis(order),
            tags: self.tags(order),
        }
    }

    fn buyer(&mut self, order: &Cells<'_>) -> Buyer {
        if let Some(cell) = order.get(Field::BuyerEmail)
            && let Err(fault) = cell.text.parse::<Address>()
        {
            self.warnings.push(cell.warning(
                Field::BuyerEmail,
                format!("{fault}; the order is kept, but no mail can be sent for it"),
            ));
        }
        Buyer {
            email: self.text(order, Field::BuyerEmail),
            name: self.text(order, Field::BuyerName),
            first_name: self.text(order, Field::FirstName),
            country: self.country(order),
            region: self.region(order),
            zone: self.zone(order),
            address_lines: self
                .text(order, Field::Address)
                .map(|text| {
                    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
                    lines.map(str::to_owned).collect()
                })
                .unwrap_or_default(),
        }
    }

    fn lines(&mut self, draft: &Draft<'_>) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::with_capacity(draft.lines.len());
        for (index, cells) in draft.lines.iter().enumerate() {
            let sku = self.text(cells, Field::Sku);
            let title = self.text(cells, Field::Title).or_else(|| {
                let (field, cell) = [Field::Sku, Field::LineRef, Field::Quantity, Field::Price]
                    .into_iter()
                    .find_map(|field| Some((field, cells.get(field)?)))?;
                self.errors.push(cell.error(
                    field,
                    "the line has no title",
                    "fill `title` with the name the buyer knows the article by",
                ));
                None
            });
            let is_free = |name: &String| lines.iter().all(|line| line.line_ref != *name);
            let line_ref = self
                .text(cells, Field::LineRef)
                .or_else(|| sku.clone().filter(is_free))
                .unwrap_or_else(|| (index + 1).to_string());
            lines.push(Line {
                line_ref,
                sku,
                title: title.unwrap_or_default(),
                quantity: self.quantity(cells),
                price: self.amount(cells, Field::Price),
                ships: self.flag(cells, Field::Ships).unwrap_or(true),
            });
        }
        lines
    }

    fn parcel(
        &mut self,
        draft: &Draft<'_>,
        parcel: &ParcelDraft<'_>,
        index: usize,
        line_refs: &[String],
        events: &mut Events<'_>,
    ) {
        let cells = &parcel.cells;
        let parcel_ref = self
            .text(cells, Field::ParcelRef)
            .unwrap_or_else(|| format!("{}-{}", draft.order_ref, index + 1));
        let unknown = parcel
            .line_refs
            .iter()
            .any(|name| !line_refs.is_empty() && !line_refs.contains(name));
        if unknown {
            self.errors.push(
                IntakeError::at_line(
                    draft.line,
                    "the parcel names a line the order does not have",
                    "use the `line_ref` of the lines; without one it is the `sku`, else the \
                     number of the line",
                )
                .in_field(format!("parcels[{index}].line_refs")),
            );
        }
        let inside: Vec<String> = parcel
            .lines
            .iter()
            .filter_map(|line| line_refs.get(*line).cloned())
            .chain(parcel.line_refs.iter().cloned())
            .collect();
        let shipped = self.occurred(cells, Field::ShippedAt);
        let shipment = Shipment {
            carrier: self.text(cells, Field::Carrier),
            tracking_number: self.text(cells, Field::TrackingNumber),
            tracking_url: self.link(cells, Field::TrackingUrl),
            expected_at: self.expected(cells, Field::ExpectedAt),
        };
        if shipped.is_none() {
            self.warn_unused(cells);
        }
        let mut add = |when: Option<When>, fact: Fact| {
            if let Some(when) = when {
                events.add_parcel(when, fact, &parcel_ref, &inside);
            }
        };
        add(shipped, Fact::Shipped(shipment));
        let pickup = Pickup {
            pickup_until: self.expected(cells, Field::PickupUntil),
            place: self.text(cells, Field::PickupPlace),
            ..Pickup::default()
        };
        let waiting = self.occurred(cells, Field::PickupReadyAt);
        add(waiting, Fact::PickupReady(pickup));
        let delivery = Delivery {
            evidence: self.evidence(cells),
            ..Delivery::default()
        };
        let delivered = self.occurred(cells, Field::DeliveredAt);
        add(delivered, Fact::Delivered(delivery));
        let lost = self.occurred(cells, Field::LostAt);
        add(lost, Fact::Lost(Reason::default()));
        let back = self.occurred(cells, Field::ReturnedToSenderAt);
        add(back, Fact::ReturnedToSender(ReturnLeg { is_final: true }));
        if let (Some(shipped), Some(delivered)) = (shipped, delivered)
            && delivered.at < shipped.at
            && let Some(cell) = cells.get(Field::DeliveredAt)
        {
            self.warnings.push(cell.warning(
                Field::DeliveredAt,
                "the parcel was delivered before it was sent; both dates are kept, check them",
            ));
        }
    }

    /// Tracking data without a ship date belongs to no event.
    fn warn_unused(&mut self, cells: &Cells<'_>) {
        let unused = [
            Field::Carrier,
            Field::TrackingNumber,
            Field::TrackingUrl,
            Field::ExpectedAt,
        ]
        .into_iter()
        .find_map(|field| Some((field, cells.get(field)?)));
        if let Some((field, cell)) = unused {
            self.warnings.push(cell.warning(
                field,
                "not used, because `shipped_at` is empty: the parcel was not handed over yet",
            ));
        }
    }

    fn check_unsent_lines(&mut self, draft: &Draft<'_>, line_refs: &[String]) {
        if draft.parcels.is_empty() || draft.parcels.iter().any(|p| p.lines.is_empty()) {
            return;
        }
        let sent = |index: &usize| draft.parcels.iter().any(|p| p.lines.contains(index));
        let unsent = (0..line_refs.len()).find(|index| {
            let ships = draft.lines[*index].get(Field::Ships);
            let is_digital = ships.is_some_and(|cell| read_flag(&cell.text) == Some(false));
            !sent(index) && !is_digital
        });
        if let Some(index) = unsent
            && let Some(cell) = draft.lines[index].get(Field::Title)
        {
            self.warnings.push(cell.warning(
                Field::Title,
                "this line is in no parcel, so the order counts as sent in part; repeat the \
                 parcel's columns in the row of each line it holds",
            ));
        }
    }

    fn check_lengths(&mut self, draft: &Draft<'_>) {
        for (list, length) in [
            ("lines", draft.lines.len()),
            ("parcels", draft.parcels.len()),
        ] {
            if length > MAX_LINES {
                self.errors.push(
                    IntakeError::at_line(
                        draft.line,
                        format!("the order has more than {MAX_LINES} {list}"),
                        "check that they belong to one order",
                    )
                    .in_field(list),
                );
            }
        }
    }

    fn lacks_acceptance(&mut self, draft: &Draft<'_>, cells: &Cells<'_>) {
        // News of a known order may repeat its lines to say what a parcel holds.
        let is_news = !draft.parcels.is_empty();
        if is_news || draft.order.get(Field::AcceptedAt).is_some() {
            return;
        }
        if let Some((field, cell)) = [Field::Title, Field::Sku, Field::LineRef]
            .into_iter()
            .find_map(|field| Some((field, cells.get(field)?)))
        {
            self.errors.push(cell.error(
                field,
                "the order has lines, but nothing says when it was placed",
                "fill `accepted_at`",
            ));
        }
    }

    fn text(&mut self, cells: &Cells<'_>, field: Field) -> Option<String> {
        let cell = cells.get(field)?;
        if cell.text.contains('\0') {
            self.errors.push(cell.error(
                field,
                "the value contains a NUL character",
                "export the file again as plain text",
            ));
            return None;
        }
        Some(cell.text.clone().into_owned())
    }

    fn occurred(&mut self, cells: &Cells<'_>, field: Field) -> Option<When> {
        let when = self.when(cells, field)?;
        let too_late = self.build.options.not_after.is_some_and(|end| when.at > end);
        if too_late && let Some(cell) = cells.get(field) {
            self.errors.push(cell.error(
                field,
                "the date lies in the future",
                "write only what has happened here; an expected day goes into `expected_at`, \
                 a promised one into `promised_by`",
            ));
        }
        Some(when)
    }

    /// A moment to come. A bare day lasts until its end.
    fn expected(&mut self, cells: &Cells<'_>, field: Field) -> Option<crate::clock::Instant> {
        let when = self.when(cells, field)?;
        if when.precision != crate::order::TimePrecision::Day {
            return Some(when.at);
        }
        let zone = self.build.options.zone;
        Some(super::dates::end_of_day(when.at, zone))
    }

    fn when(&mut self, cells: &Cells<'_>, field: Field) -> Option<When> {
        let cell = cells.get(field)?;
        match parse_date(&cell.text, self.build.options.zone) {
            Ok(when) => Some(when),
            Err(fault) => {
                let hint = match fault {
                    DateFault::Slashes => {
                        "write the year first, 2026-03-02, or with dots, 02.03.2026"
                    }
                    DateFault::Form => {
                        "write 2026-03-02, 2026-03-02 14:05, 02.03.2026 or 2026-03-02T14:05:00Z"
                    }
                    DateFault::Year => "check the year",
                };
                self.fail(field, cell, fault, hint);
                None
            }
        }
    }

    fn amount(&mut self, cells: &Cells<'_>, field: Field) -> Option<Decimal> {
        let cell = cells.get(field)?;
        match parse_amount(&cell.text, self.build.mark) {
            Ok(amount) => Some(amount),
            Err(fault) => {
                let hint = match fault {
                    AmountFault::Ambiguous => {
                        "write 1250.00: a point before the cents and nothing between thousands"
                    }
                    AmountFault::Negative => "write it without the minus sign",
                    AmountFault::TooLarge | AmountFault::Form => {
                        "write 12.50, without the currency"
                    }
                };
                self.fail(field, cell, fault, hint);
                None
            }
        }
    }

    fn quantity(&mut self, cells: &Cells<'_>) -> u32 {
        let Some(cell) = cells.get(Field::Quantity) else {
            return 1;
        };
        // Spreadsheets like to write 2.0.
        let whole = cell.text.trim_end_matches('0').trim_end_matches(['.', ',']);
        let text = if whole.len() < cell.text.len() && cell.text.contains(['.', ',']) {
            whole
        } else {
            &cell.text
        };
        text.parse().unwrap_or_else(|_| {
            self.fail(Field::Quantity, cell, "this is no count", "write a whole number");
            1
        })
    }

    fn flag(&mut self, cells: &Cells<'_>, field: Field) -> Option<bool> {
        let cell = cells.get(field)?;
        let flag = read_flag(&cell.text);
        if flag.is_none() {
            self.fail(field, cell, "this is neither yes nor no", "write `yes` or `no`");
        }
        flag
    }

    fn currency(&mut self, cells: &Cells<'_>) -> Option<String> {
        let cell = cells.get(Field::Currency)?;
        if cell.text.len() == 3 && cell.text.bytes().all(|b| b.is_ascii_alphabetic()) {
            return Some(cell.text.to_ascii_uppercase());
        }
        let hint = "write the three letters of ISO 4217, such as `EUR` or `PLN`";
        self.fail(Field::Currency, cell, "this is no currency code", hint);
        None
    }

    fn country(&mut self, cells: &Cells<'_>) -> Option<String> {
        let cell = cells.get(Field::Country)?;
        if cell.text.len() == 2 && cell.text.bytes().all(|b| b.is_ascii_alphabetic()) {
            let code = cell.text.to_ascii_uppercase();
            return Some(match code.as_str() {
                "UK" => "GB".to_owned(),
                "EL" => "GR".to_owned(),
                _ => code,
            });
        }
        let hint = "write the two letters of ISO 3166, such as `DE` or `PL`";
        self.fail(Field::Country, cell, "this is no country code", hint);
        None
    }

    fn region(&mut self, cells: &Cells<'_>) -> Option<String> {
        let cell = cells.get(Field::Region)?;
        let region = match cell.text.split_once('-') {
            Some((country, region)) if country.len() == 2 => region,
            _ => &cell.text,
        };
        if (1..=3).contains(&region.len()) && region.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Some(region.to_ascii_uppercase());
        }
        self.warnings.push(cell.warning(
            Field::Region,
            "this is no region code such as `CA`; the country alone decides the time zone",
        ));
        None
    }

    fn zone(&mut self, cells: &Cells<'_>) -> Option<String> {
        let cell = cells.get(Field::Zone)?;
        if cell.text.parse::<Tz>().is_ok() {
            return Some(cell.text.clone().into_owned());
        }
        self.warnings.push(cell.warning(
            Field::Zone,
            "this is no zone of the IANA list such as `Europe/Warsaw`; the country decides",
        ));
        None
    }

    fn language(&mut self, cells: &Cells<'_>) -> Option<String> {
        let cell = cells.get(Field::Language)?;
        if cell.text.parse::<Locale>().is_ok() {
            return Some(cell.text.clone().into_owned());
        }
        self.warnings.push(cell.warning(
            Field::Language,
            "this is no language such as `de` or `en-GB`; the channel's language is used",
        ));
        None
    }

    /// A link the buyer may be shown: web addresses only.
    fn link(&mut self, cells: &Cells<'_>, field: Field) -> Option<String> {
        let cell = cells.get(field)?;
        let lower = cell.text.get(..8).unwrap_or(&cell.text).to_ascii_lowercase();
        let is_web = lower.starts_with("https://") || lower.starts_with("http://");
        let is_clean = !cell.text.chars().any(|c| c.is_whitespace() || c.is_control());
        if is_web && is_clean {
            return Some(cell.text.clone().into_owned());
        }
        self.fail(field, cell, "this is no web address", "write it whole, with https://");
        None
    }

    fn basis(&mut self, cells: &Cells<'_>) -> Option<BasisRecord> {
        let at = self.when(cells, Field::BasisAt).map(|when| when.at);
        let cell = cells.get(Field::Basis)?;
        let basis = match cell.text.to_ascii_lowercase().as_str() {
            "consent" => Basis::Consent,
            "soft_opt_in" => Basis::SoftOptIn,
            "platform" => Basis::Platform,
            "none" => return None,
            _ => {
                let hint = "write `consent`, `soft_opt_in`, `platform` or nothing";
                self.fail(Field::Basis, cell, "this is no legal basis", hint);
                return None;
            }
        };
        Some(BasisRecord {
            basis,
            at,
            place: self.text(cells, Field::BasisPlace),
            text_version: self.text(cells, Field::BasisText),
        })
    }

    fn evidence(&mut self, cells: &Cells<'_>) -> Option<Rung> {
        let cell = cells.get(Field::DeliveryEvidence)?;
        match cell.text.to_ascii_lowercase().as_str() {
            "carrier" => Some(Rung::Carrier),
            "aggregator" => Some(Rung::Aggregator),
            "marketplace" | "shop" => Some(Rung::Marketplace),
            "buyer" => Some(Rung::Buyer),
            _ => {
                let hint = "write `carrier`, `aggregator`, `marketplace` or `buyer`: a promise or \
                            a ship date is no evidence of delivery";
                self.fail(Field::DeliveryEvidence, cell, "this is no evidence we know", hint);
                None
            }
        }
    }

    fn tags(&mut self, cells: &Cells<'_>) -> Vec<String> {
        let mut tags: Vec<String> = Vec::new();
        for tag in self.text(cells, Field::Tags).iter().flat_map(|text| text.split([',', ';', '|'])) {
            let tag = tag.trim();
            if !tag.is_empty() && !tags.iter().any(|other| other == tag) {
                tags.push(tag.to_owned());
            }
        }
        tags
    }

    /// An error that shows the value's shape.
    fn fail(&mut self, field: Field, cell: &Cell<'_>, message: impl std::fmt::Display, hint: &str) {
        let mut message = message.to_string();
        let _ = write!(message, " (it looks like `{}`)", shape(&cell.text));
        self.errors.push(cell.error(field, message, hint));
    }
}

/// The events of one order as they come.
struct Events<'a> {
    source: &'static str,
    order_ref: &'a str,
    test: bool,
    list: Vec<OrderEvent>,
}

impl Events<'_> {
    fn add(&mut self, when: When, fact: Fact) {
        self.list.push(OrderEvent {
            source: self.source.to_owned(),
            source_event_id: String::new(),
            order_ref: self.order_ref.to_owned(),
            parcel_ref: None,
            line_refs: Vec::new(),
            occurred_at: when.at,
            precision: when.precision,
            received_at: None,
            test: self.test,
            backfill: false,
            fact,
        });
    }

    fn add_parcel(&mut self, when: When, fact: Fact, parcel_ref: &str, line_refs: &[String]) {
        self.add(when, fact);
        if let Some(event) = self.list.last_mut() {
            event.parcel_ref = Some(parcel_ref.to_owned());
            event.line_refs = line_refs.to_vec();
        }
    }
}

fn read_flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "1" | "y" => Some(true),
        "no" | "false" | "0" | "n" => Some(false),
        _ => None,
    }
}

/// The method, with the many names of pay-on-delivery made one.
fn payment_method(name: String) -> String {
    let lower = name.to_lowercase();
    let is_cod = matches!(
        lower.as_str(),
        "cod" | "cash on delivery" | "cash on delivery (cod)" | "pay on delivery" | "nachnahme"
    ) || lower == "za pobraniem"
        || lower == "pobranie";
    if is_cod { "cod".to_owned() } else { name }
}
