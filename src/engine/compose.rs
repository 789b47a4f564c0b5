//! One mail from an order: context, template, linter, message. Computes only.

use serde::Serialize;

use crate::{
    clock::Instant,
    lint::{Destination, Draft, Field, FieldKind, Profile, Severity},
    mail::{Locale, MailClass, Mailbox, Message, message_id, unsubscribe},
    order::Order,
    plan::zone_of,
    render::{
        ContextRequest, LocaleChain, Rendered,
        context::build::build,
        mime::{self, FeedbackId, ListUnsubscribe, MimeInput},
    },
    sequence::Decision,
};

use super::{Channel, Engine, linter::Finding};

/// A mail ready to be frozen.
#[derive(Debug)]
pub struct Composed {
    /// The message.
    pub message: Message,
    /// The template it was rendered from.
    pub template: String,
    /// Hash of the template with all it includes.
    pub template_hash: String,
    /// The linter's verdict as JSON, for the ledger.
    pub lint: String,
}

/// Why a mail was not made.
#[derive(Debug)]
pub enum Refusal {
    /// Its wording breaks an error rule.
    Lint {
        /// The rules, by code and name.
        rules: String,
        /// The verdict as JSON.
        verdict: String,
    },
    /// It could not be rendered. Names the template, never a value.
    Render(String),
}

/// What the ledger keeps of the linter's answer: no words of the mail.
#[derive(Debug, Serialize)]
struct StoredVerdict<'a> {
    verdict: &'static str,
    rule_set: &'a str,
    findings: Vec<StoredFinding>,
}

#[derive(Debug, Serialize)]
struct StoredFinding {
    rule: &'static str,
    name: &'static str,
    severity: Severity,
    field: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    overridden_by: Option<String>,
}

impl Engine {
    /// Makes the mail a decision asks for.
    pub fn compose(
        &self,
        channel: &Channel,
        order: &Order,
        decision: &Decision,
        now: Instant,
    ) -> Result<Composed, Refusal> {
        let render = |why: &dyn std::fmt::Display| Refusal::Render(why.to_string());
        let address = order.address().map_err(|why| render(&why))?;
        let is_relationship = decision.kind.class() == MailClass::Relationship;
        let unsubscribe_url = if is_relationship && channel.sender.list_unsubscribe {
            self.unsubscribe_url(channel, &address)
                .map_err(|why| render(&why))?
        } else {
            None
        };
        let mut shop = channel.shop.clone();
        shop.unsubscribe_url.clone_from(&unsubscribe_url);
        let context = build(&ContextRequest {
            order,
            kind: decision.kind,
            scope: &decision.scope,
            parcels: &decision.parcels,
            shop: &shop,
            now,
            zone: zone_of(order, channel.zone()),
        })
        .map_err(|why| render(&why))?;
        let chain = channel.locale_chain(order);
        let rendered = self
            .catalogue()
            .render(decision.kind, &chain, channel.platform(), &context)
            .map_err(|why| render(&why))?;
        let lint = self.judge_wording(channel, order, decision, &rendered)?;
        let name = order.details.buyer.name.as_deref();
        let to = Mailbox::new(name, address);
        let from = if is_relationship {
            &channel.sender.from_relationship
        } else {
            &channel.sender.from_transactional
        };
        let message_id = message_id::derive(
            &message_id::Identity {
                seller: &self.seller,
                order: &format!("{}/{}", order.channel, order.external_ref),
                step: &decision.step,
                scope: &decision.scope.to_string(),
                recipient: &to.address,
                revision: decision.revision,
            },
            &channel.sender.id_domain,
        );
        let reply_to = channel.sender.reply_to.clone().map(|address| Mailbox {
            name: None,
            address,
        });
        let mailto = unsubscribe_url
            .as_deref()
            .and_then(|url| self.unsubscribe_mail(url));
        let message = mime::build(&MimeInput {
            message_id: &message_id,
            date: now,
            return_path: channel.sender.return_path.as_ref().unwrap_or(&from.address),
            from,
            to: &to,
            reply_to: reply_to.as_ref(),
            subject: &rendered.subject,
            preheader: &rendered.preheader,
            html: &rendered.html,
            text: &rendered.text,
            locale: &rendered.locale,
            references: if is_relationship {
                None
            } else {
                order.thread_root()
            },
            feedback_id: channel
                .sender
                .feedback_sender_id
                .as_deref()
                .map(|sender_id| FeedbackId {
                    step: &decision.step,
                    channel: channel.name(),
                    class: decision.kind.class(),
                    sender_id,
                }),
            list_unsubscribe: unsubscribe_url.as_deref().map(|https| ListUnsubscribe {
                https,
                mailto: mailto.as_deref(),
            }),
            custom: &channel.sender.headers,
        })
        .map_err(|why| render(&why))?;
        Ok(Composed {
            message,
            template: rendered.template_name,
            template_hash: rendered.content_hash,
            lint,
        })
    }

    fn unsubscribe_url(
        &self,
        channel: &Channel,
        address: &crate::mail::Address,
    ) -> Result<Option<String>, unsubscribe::TokenError> {
        let Some(unsubscribe) = &self.unsubscribe else {
            return Ok(None);
        };
        let claim = unsubscribe::Claim {
            channel: channel.name().to_owned(),
            address: self.keys.of(address),
        };
        unsubscribe
            .keys
            .url(&unsubscribe.base_url, &claim)
            .map(Some)
    }

    /// The request by mail: its subject is the token of the page's address.
    fn unsubscribe_mail(&self, url: &str) -> Option<String> {
        let unsubscribe = self.unsubscribe.as_ref()?;
        let token = url.strip_prefix(&unsubscribe.base_url)?;
        let mailbox = unsubscribe.mailto.as_deref()?;
        Some(format!("mailto:{mailbox}?subject={token}"))
    }

    /// Whether a merge value is a name, which is not the seller's wording and is not read. One that
    /// breaks a rule by itself is none, wherever it came from: it is read like the rest.
    fn is_name(&self, value: &str, profile: &Profile, today: chrono::NaiveDate) -> bool {
        let alone = Draft {
            fields: vec![Field {
                kind: FieldKind::BodyText,
                text: value,
                name: None,
            }],
            vars: Vec::new(),
        };
        let findings = self.linter.check(&alone, profile, today);
        findings.iter().all(|f| f.severity != Severity::Error)
    }

    /// Reads the whole mail with the linter; the verdict as JSON, or the refusal (promise 3).
    fn judge_wording(
        &self,
        channel: &Channel,
        order: &Order,
        decision: &Decision,
        rendered: &Rendered,
    ) -> Result<String, Refusal> {
        let field = |kind, text| Field {
            kind,
            text,
            name: None,
        };
        let mut draft = Draft {
            fields: vec![
                field(FieldKind::Subject, rendered.subject.as_str()),
                field(FieldKind::Preheader, rendered.preheader.as_str()),
                field(FieldKind::BodyHtml, rendered.html.as_str()),
                field(FieldKind::BodyText, rendered.text.as_str()),
            ],
            vars: Vec::new(),
        };
        let profile = Profile {
            platform: Some(channel.platform()),
            kind: decision.kind,
            locale: rendered.locale.clone(),
            market: order.details.buyer.country.clone(),
            destination: Destination::Channel,
        };
        let today = self.clock.now().date_naive();
        draft.vars = merge_values(order);
        draft
            .vars
            .retain(|(_, value)| self.is_name(value, &profile, today));
        let findings = self.linter.check(&draft, &profile, today);
        let worst = findings.iter().map(|finding| finding.severity).max();
        let verdict = serde_json::to_string(&StoredVerdict {
            verdict: match worst {
                Some(Severity::Error) => "error",
                Some(Severity::Warn) => "warn",
                _ => "pass",
            },
            rule_set: self.linter.version(),
            findings: findings.iter().map(stored).collect(),
        })
        .unwrap_or_default();
        if worst == Some(Severity::Error) {
            let mut rules: Vec<String> = findings
                .iter()
                .filter(|finding| finding.severity == Severity::Error)
                .map(|finding| format!("{} {}", finding.rule.code(), finding.rule.name()))
                .collect();
            rules.dedup();
            return Err(Refusal::Lint {
                rules: rules.join(", "),
                verdict,
            });
        }
        Ok(verdict)
    }
}

impl Channel {
    /// The locales a mail to this buyer is looked for in.
    pub fn locale_chain(&self, order: &Order) -> LocaleChain {
        let sender = &self.sender;
        let offered = |locale: &Locale| {
            sender.locales.contains(locale) || sender.locales.contains(&locale.without_region())
        };
        let buyer = order.locale().filter(offered);
        LocaleChain::new(buyer.as_ref(), &sender.default_locale, &sender.shop_locale)
    }
}

fn stored(finding: &Finding) -> StoredFinding {
    StoredFinding {
        rule: finding.rule.code(),
        name: finding.rule.name(),
        severity: finding.severity,
        field: finding.field,
        overridden_by: finding.overridden_by.clone(),
    }
}

/// What was filled in from data: names of products and people are not the seller's wording.
fn merge_values(order: &Order) -> Vec<(&str, &str)> {
    let buyer = &order.details.buyer;
    let mut values: Vec<(&str, &str)> = Vec::new();
    values.extend(buyer.name.as_deref().map(|name| ("buyer_name", name)));
    values.extend(buyer.first_name.as_deref().map(|name| ("first_name", name)));
    values.extend(
        buyer
            .address_lines
            .iter()
            .map(|line| ("address_line", line.as_str())),
    );
    values.extend(
        order
            .details
            .lines
            .iter()
            .map(|line| ("product_name", line.title.as_str())),
    );
    values
}
