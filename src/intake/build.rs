//! An order as a file tells it, read and turned into events.

use crate::{
    mail::Address,
    order::{
        Fact, OrderEvent,
        event::{
            Buyer, Cancellation, Complaint, Delay, Delivery, Empty, Line, OrderDetails, Payment,
            Pickup, Reason, Refund, ReturnCase, ReturnLeg, Shipment,
        },
    },
};

use super::{
    MAX_EVENTS, MAX_LINES, MAX_REF, Options, Record,
    amounts::DecimalMark,
    dates::When,
    draft::{Cells, Draft, ParcelDraft},
    error::{IntakeError, ReadError, Rejected, shown_name},
    fields::Field,
    ids,
    values::{Reader, payment_method, read_flag},
};

/// Turns drafts into records.
pub(super) struct Build {
    source: &'static str,
    pub(super) mark: DecimalMark,
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
        // Before anything is compared with anything: a hostile file shall not cost hours.
        check_size(&draft).map_err(|error| {
            ReadError::Rejected(Rejected::one(error).of_order(Some(&draft.order_ref)))
        })?;
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
                order_ref: Some(shown_name(&draft.order_ref)),
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

impl Reader<'_> {
    fn events(&mut self, draft: &Draft<'_>) -> Vec<OrderEvent> {
        let order = &draft.order;
        let mut events = Events {
            source: self.build.source,
            order_ref: &draft.order_ref,
            test: self.flag(order, Field::Test).unwrap_or(false),
            list: Vec::new(),
        };
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
        let parcel_ref = self.parcel_ref(draft, cells, index);
        if let Err(error) = check_ref(&parcel_ref, Field::ParcelRef.name(), draft.line) {
            self.errors.push(error);
        }
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

    /// The parcel's name: its own, else its tracking number, else its place among the nameless
    /// ones. The number comes before the place, because an export may change its order: a place
    /// that moved would tell one parcel's delivery of another.
    fn parcel_ref(&mut self, draft: &Draft<'_>, cells: &Cells<'_>, index: usize) -> String {
        let name = |cells: &Cells<'_>| {
            [Field::ParcelRef, Field::TrackingNumber]
                .into_iter()
                .find_map(|field| Some(cells.get(field)?.text.clone().into_owned()))
        };
        if let Some(name) = name(cells) {
            return name;
        }
        let is_news = draft.order.get(Field::AcceptedAt).is_none();
        if is_news && let Some((field, cell)) = cells.first() {
            self.errors.push(cell.error(
                field,
                "nothing says which parcel of the order this is about",
                "fill `parcel_ref` or `tracking_number`, or give the whole order with `accepted_at`",
            ));
        }
        let before = draft.parcels.iter().take(index);
        let nameless = before
            .filter(|parcel| name(&parcel.cells).is_none())
            .count();
        format!("{}-{}", draft.order_ref, nameless + 1)
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
        // Shopify says itself which lines are sent; in JSON a parcel without lines holds all.
        let is_told_by_rows = self.build.source == "csv";
        if !is_told_by_rows
            || draft.parcels.is_empty()
            || draft.parcels.iter().any(|p| p.lines.is_empty())
        {
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

fn check_size(draft: &Draft<'_>) -> Result<(), IntakeError> {
    check_ref(&draft.order_ref, Field::OrderRef.name(), draft.line)?;
    for (list, length) in [
        ("lines", draft.lines.len()),
        ("parcels", draft.parcels.len()),
    ] {
        if length > MAX_LINES {
            let message = format!("the order has more than {MAX_LINES} {list}");
            let hint = "check that they belong to one order";
            return Err(IntakeError::at_line(draft.line, message, hint).in_field(list));
        }
    }
    Ok(())
}

/// Refuses a reference no shop writes; references are keys of the database.
pub(super) fn check_ref(text: &str, field: &str, line: u64) -> Result<(), IntakeError> {
    if text.len() > MAX_REF || text.chars().any(char::is_control) {
        let message = format!("the reference is longer than {MAX_REF} bytes or has line breaks");
        let hint = "check that the columns hold what their headers say";
        return Err(IntakeError::at_line(line, message, hint).in_field(field));
    }
    Ok(())
}
