//! Which variables a mail of each kind may use, and of what sort each is.
//!
//! The tables below are the contract between the contexts (`context`) and the templates:
//! a test checks that every sample holds exactly these values. `?` marks a value that may
//! be missing: templates may print it only where they have asked for it with `{{#if …}}`.

use std::{collections::BTreeMap, sync::LazyLock};

use crate::mail::MailKind;

/// What sort of value a variable holds, and so how it may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Text; printed as it is.
    Text,
    /// An address; printed with `url`.
    Url,
    /// An amount with its currency; printed with `money`.
    Money,
    /// A local date and time; printed with `date`, `weekday` or `time`.
    Time,
    /// A whole number; printed as it is, with `number` or `plural`.
    Number,
    /// Yes or no; for `{{#if}}` only.
    Flag,
    /// A colour; for colour attributes only.
    Color,
    /// A part with variables of its own.
    Group,
    /// A list; for `{{#each}}` and `list`.
    List,
}

/// One variable and what lies below it.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) sort: Sort,
    pub(crate) is_optional: bool,
    /// The variables of a group.
    pub(crate) children: BTreeMap<&'static str, Node>,
    /// What a list holds.
    pub(crate) item: Option<Box<Node>>,
}

/// One line of the list of variables: what marketing may write in a mail of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The path as templates write it from the top, `[]` behind a list.
    pub path: String,
    /// What sort of value it holds.
    pub sort: Sort,
    /// Whether it may be missing.
    pub is_optional: bool,
}

const COMMON: &str = "
lang text
dir text
shop.name text
shop.legal_name text
shop.address[] text
shop.support_email text?
shop.support_url url?
shop.privacy_url url?
shop.logo_url url?
shop.button_color color
buyer.first_name text?
buyer.name text?
order.ref text
order.url url?
order.accepted_on time?
order.items[].title text
order.items[].quantity number
order.items[].price money?
order.items[].total money?
order.total money?
order.shipping money?
order.discount money?
order.address[] text
order.dispatch_by time?
order.deliver_by time?
order.invoice_url url?
";

const UNSUBSCRIBE: &str = "
unsubscribe_url url?
";

const PAYMENT: &str = "
payment.is_paid flag
payment.on_delivery flag
payment.by_card flag
payment.by_transfer flag
payment.amount money?
payment.method_name text?
payment.statement_name text?
";

const SHIPMENT: &str = "
shipment.parcels[].position number
shipment.parcels[].count number
shipment.parcels[].is_one_of_several flag
shipment.parcels[].items[].title text
shipment.parcels[].items[].quantity number
shipment.parcels[].carrier text?
shipment.parcels[].tracking_number text?
shipment.parcels[].tracking_url url?
shipment.parcels[].expected_on time?
shipment.parcels[].place text?
shipment.parcels[].delivered_on time?
shipment.parcel_count number
shipment.is_several flag
shipment.tracking_url url?
shipment.expected_on time?
shipment.to_come[].title text
shipment.to_come[].quantity number
";

const PARCEL: &str = "
parcel.position number
parcel.count number
parcel.is_one_of_several flag
parcel.items[].title text
parcel.items[].quantity number
parcel.carrier text?
parcel.tracking_number text?
parcel.tracking_url url?
parcel.expected_on time?
parcel.place text?
parcel.delivered_on time?
to_come[].title text
to_come[].quantity number
";

const PICKUP: &str = "
pickup.place text?
pickup.address text?
pickup.hours text?
pickup.code text?
pickup.until time?
";

const DELAY: &str = "
delay.old_date time?
delay.new_date time?
delay.reason text?
delay.items[].title text
delay.items[].quantity number
delay.is_shipped flag
delay.tracking_url url?
";

const STOCK: &str = "
stock.items[].title text
stock.items[].quantity number
stock.expected_on time?
stock.reason text?
";

const CUSTOMS: &str = "
customs.buyer_acts flag
customs.seller_acts flag
customs.carrier_acts flag
customs.reason text?
customs.what_for text?
customs.act_by time?
customs.official_url url?
";

const REFUND: &str = "
refund.amount money?
refund.is_partial flag
refund.by_card flag
refund.by_transfer flag
refund.method_name text?
refund.visible_days number
refund.items[].title text
refund.items[].quantity number
refund.remainder[].title text
refund.remainder[].quantity number
";

const CANCELLATION: &str = "
cancellation.is_whole flag
cancellation.by_buyer flag
cancellation.was_paid flag
cancellation.refund_amount money?
cancellation.items[].title text
cancellation.items[].quantity number
cancellation.remainder[].title text
cancellation.remainder[].quantity number
";

const RETURNED: &str = "
returned.is_parcel flag
returned.will_be_refunded flag
returned.will_be_replaced flag
returned.was_declined flag
returned.refund_amount money?
returned.visible_days number
returned.items[].title text
returned.items[].quantity number
";

const REVIEW: &str = "
review_url url
";

const REPLY: &str = "
reply.paragraphs[] text
";

const fn tables(kind: MailKind) -> &'static [&'static str] {
    match kind {
        MailKind::Accepted | MailKind::Paid => &[COMMON, PAYMENT],
        MailKind::Shipped | MailKind::SplitParcel => &[COMMON, SHIPMENT],
        MailKind::OutForDelivery | MailKind::Delivered => &[COMMON, PARCEL],
        MailKind::Delay => &[COMMON, DELAY],
        MailKind::OutOfStock => &[COMMON, STOCK],
        MailKind::PickupWaiting | MailKind::PickupReminder => &[COMMON, PARCEL, PICKUP],
        MailKind::Customs => &[COMMON, PARCEL, CUSTOMS],
        MailKind::Refund => &[COMMON, REFUND],
        MailKind::Cancelled => &[COMMON, CANCELLATION],
        MailKind::Returned => &[COMMON, RETURNED],
        MailKind::FollowUp => &[COMMON, UNSUBSCRIBE],
        MailKind::ReviewRequest => &[COMMON, UNSUBSCRIBE, REVIEW],
        MailKind::ComplaintReply => &[COMMON, REPLY],
    }
}

static SCHEMAS: LazyLock<BTreeMap<MailKind, Node>> = LazyLock::new(|| {
    MailKind::ALL
        .into_iter()
        .map(|kind| (kind, build(tables(kind))))
        .collect()
});

static EMPTY: LazyLock<Node> = LazyLock::new(Node::group);

static ROOTS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut roots: Vec<&'static str> = SCHEMAS
        .values()
        .flat_map(|node| node.children.keys().copied())
        .collect();
    roots.sort_unstable();
    roots.dedup();
    roots
});

/// The variables of a mail kind.
pub(crate) fn of(kind: MailKind) -> &'static Node {
    SCHEMAS.get(&kind).unwrap_or(&EMPTY)
}

/// The first names of all variables of all kinds.
pub(crate) fn roots() -> &'static [&'static str] {
    &ROOTS
}

/// Every variable a template of that kind may use, for the console and the handbook.
pub fn variables(kind: MailKind) -> Vec<Variable> {
    let mut found = Vec::new();
    of(kind).collect("", &mut found);
    found
}

impl Node {
    const fn group() -> Self {
        Self {
            sort: Sort::Group,
            is_optional: false,
            children: BTreeMap::new(),
            item: None,
        }
    }

    fn leaf(sort: Sort, is_optional: bool) -> Self {
        Self {
            sort,
            is_optional,
            ..Self::group()
        }
    }

    fn collect(&self, path: &str, found: &mut Vec<Variable>) {
        if let Some(item) = &self.item {
            item.collect(&format!("{path}[]"), found);
        } else if self.sort == Sort::Group {
            for (name, child) in &self.children {
                let dot = if path.is_empty() { "" } else { "." };
                child.collect(&format!("{path}{dot}{name}"), found);
            }
        } else {
            found.push(Variable {
                path: path.to_owned(),
                sort: self.sort,
                is_optional: self.is_optional,
            });
        }
    }
}

fn build(tables: &[&'static str]) -> Node {
    let mut root = Node::group();
    for line in tables.iter().flat_map(|table| table.lines()) {
        let Some((path, sort)) = line.split_once(' ') else {
            continue;
        };
        let (sort, is_optional) = match sort.strip_suffix('?') {
            Some(sort) => (sort, true),
            None => (sort, false),
        };
        let sort = match sort {
            "url" => Sort::Url,
            "money" => Sort::Money,
            "time" => Sort::Time,
            "number" => Sort::Number,
            "flag" => Sort::Flag,
            "color" => Sort::Color,
            _ => Sort::Text,
        };
        let mut node = &mut root;
        let parts: Vec<&'static str> = path.split('.').collect();
        for (index, part) in parts.iter().enumerate() {
            let is_leaf = index + 1 == parts.len();
            let (name, is_list) = match part.strip_suffix("[]") {
                Some(name) => (name, true),
                None => (*part, false),
            };
            node = node.children.entry(name).or_insert_with(|| {
                if is_list {
                    Node {
                        item: Some(Box::new(if is_leaf {
                            Node::leaf(sort, is_optional)
                        } else {
                            Node::group()
                        })),
                        ..Node::leaf(Sort::List, false)
                    }
                } else if is_leaf {
                    Node::leaf(sort, is_optional)
                } else {
                    Node::group()
                }
            });
            if is_list && let Some(item) = &mut node.item {
                node = item;
            }
        }
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variables_of_a_kind_are_listed_with_sort_and_option() {
        let all = variables(MailKind::ReviewRequest);
        let find = |path: &str| all.iter().find(|v| v.path == path);
        assert_eq!(find("review_url").unwrap().sort, Sort::Url);
        assert!(find("unsubscribe_url").unwrap().is_optional);
        assert_eq!(find("order.items[].price").unwrap().sort, Sort::Money);
        assert_eq!(find("order.address[]").unwrap().sort, Sort::Text);
        assert!(find("parcel.carrier").is_none());
    }
}
