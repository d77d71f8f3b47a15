"""The manifest of billing: read this first.

- `serving`, in every API process: what stays cost, who owes what, and paying it.
- `upkeep`, in a worker: what is done by the clock, and what may wait.
- `telling`, in a worker: what car parks charge is told to the registry;
- `on_passages`: what the gateway runs in its own transactions.
"""

from collections.abc import Sequence
from functools import partial
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry

from billing.agree import CONFIRM
from billing.announce import JOB as ANNOUNCE_JOB
from billing.announce import Announce
from billing.ask_for_promise import ask_for_promise
from billing.barrier_paid import barrier_paid
from billing.carry_payment import CarryPayment
from billing.carry_refund import CarryRefund
from billing.channel_meters import ChannelMeters
from billing.channels.offered import Channels
from billing.check_ledger import CRON as CHECK_CRON
from billing.check_ledger import JOB as CHECK_JOB
from billing.check_ledger import check_ledger
from billing.close_sessions import CLOSE_S, close_session_of, close_sessions
from billing.collect import JOB as COLLECT_JOB
from billing.collect import Collect
from billing.confirm_agreement import ConfirmAgreement
from billing.count_waiting import count_waiting
from billing.credit import JOB as CREDIT_JOB
from billing.credit import give_back_excess
from billing.doubt_sessions import DOUBT_S, doubt_sessions
from billing.forget_told import FORGET_S, forget_told
from billing.hear_callback import hear_sandbox
from billing.http.agreements import AgreementsApi
from billing.http.arrears import GUESSES, ArrearsApi
from billing.http.callbacks import CallbacksApi
from billing.http.charges import ChargesApi
from billing.http.coupons import CouponsApi
from billing.http.differences import DifferencesApi
from billing.http.operator_charges import OperatorChargesApi
from billing.http.operator_disputes import OperatorDisputesApi
from billing.http.operator_passages import OperatorPassagesApi
from billing.http.operator_payments import OperatorPaymentsApi
from billing.http.operator_sessions import OperatorSessionsApi
from billing.http.owner_statements import OwnerStatementsApi
from billing.http.pay_pages import PayPagesApi
from billing.http.payments import PaymentsApi
from billing.http.permits import PermitsApi
from billing.http.policies import BillingPoliciesApi
from billing.http.prepayments import PrepaymentsApi
from billing.http.quotes import QuotesApi
from billing.http.refunds import RefundsApi
from billing.http.session_coupons import SessionCouponsApi
from billing.http.sessions import SessionsApi
from billing.http.settlements import SettlementsApi
from billing.http.statements import StatementsApi
from billing.http.tariff_trials import TariffTrialsApi
from billing.http.tariffs import OperatorTariffsApi
from billing.pay import JOB as SEND_JOB
from billing.poll_channels import POLL_S, poll_channels
from billing.rate_late import RATE_S, RateLate
from billing.read_bill import JOB as READ_BILL_JOB
from billing.read_bill import ReadBill
from billing.reconsider import reconsider
from billing.remind import SWEEP_S, remind_all
from billing.session_meters import SessionMeters
from billing.settle_all import CRON as SETTLE_CRON
from billing.settle_all import JOB as SETTLE_JOB
from billing.settle_all import settle_all
from billing.settle_days import EVERY_S as DAYS_S
from billing.settle_days import settle_days
from billing.settle_payment import DROP_JOB, OnPaid
from billing.settlement_meters import SettlementMeters
from billing.start_refund import JOB as REFUND_JOB
from billing.take_passages import take_passages
from billing.tariff_shelf import TariffShelf
from billing.tariffs.calendar import public_calendar
from billing.tell_tariffs import TELL_S, tell_tariffs
from contracts.audit import RecordAudit
from contracts.facts import PassageHandler, PassageSeen
from contracts.orders import GiveOrder
from contracts.promises import PROMISE_OVER
from contracts.tariffs import TellTariffs
from kernel.db import Database, Row, Tx
from kernel.rates import Limiter
from kernel.service import Job, Loop, Service

__all__ = ["on_passages", "serving", "telling", "upkeep"]


def on_passages(give_order: GiveOrder) -> PassageHandler:
    """Who comes and goes, as it concerns what is owed. Holidays take half a second to read: not the first exit's."""
    public_calendar()
    return partial(_take, give_order, TariffShelf())


async def _take(give_order: GiveOrder, shelf: TariffShelf, tx: Tx, passages: Sequence[PassageSeen]) -> None:
    await take_passages(tx, give_order, shelf, passages)


def serving(
    database: Database, *, channels: Channels, zone: ZoneInfo, record_audit: RecordAudit, give_order: GiveOrder
) -> Service:
    """The side that answers. `zone` is the city's: business days are by its clock."""
    shelf = TariffShelf()
    guesses = Limiter(database.clock, GUESSES)
    return Service(
        "billing",
        apis=[
            BillingPoliciesApi(database, record_audit),
            OperatorTariffsApi(database, shelf, record_audit),
            TariffTrialsApi(database, shelf),
            SessionsApi(database, shelf),
            OperatorSessionsApi(database, shelf, give_order, record_audit),
            OperatorPassagesApi(database, shelf, give_order, record_audit),
            QuotesApi(database, shelf),
            PermitsApi(database, record_audit),
            CouponsApi(database, record_audit),
            SessionCouponsApi(database, shelf),
            PaymentsApi(database, channels),
            OperatorPaymentsApi(database, record_audit),
            RefundsApi(database, record_audit),
            CallbacksApi(database, channels, _on_paid(give_order), record_audit),
            PayPagesApi(database, channels),
            AgreementsApi(database, channels, give_order),
            ChargesApi(database, guesses),
            ArrearsApi(database, guesses),
            OperatorChargesApi(database),
            OperatorDisputesApi(database, record_audit),
            SettlementsApi(database, record_audit),
            StatementsApi(database, zone),
            DifferencesApi(database, record_audit),
            OwnerStatementsApi(database, zone, record_audit),
            PrepaymentsApi(shelf, guesses),
        ],
    )


def telling(database: Database, tell: TellTariffs) -> Service:
    """The side that has the registry show what car parks charge."""
    shelf = TariffShelf()

    async def step() -> None:
        await tell_tariffs(database, shelf, tell)

    return Service("billing", loops=[Loop("billing.tell-tariffs", step, TELL_S)])


def upkeep(
    database: Database, *, channels: Channels, zone: ZoneInfo, registry: CollectorRegistry, give_order: GiveOrder
) -> Service:
    """The side that looks after it."""
    on_paid = _on_paid(give_order)
    talks = ChannelMeters(registry)
    carry_payment = CarryPayment(database, channels, on_paid, talks)
    carry_refund = CarryRefund(database, channels, talks)
    meters = SettlementMeters(registry)
    stays = SessionMeters(registry)
    every = [channels.chosen(name) for name in channels.names]

    late = RateLate(database, give_order)

    async def rate_late() -> None:
        await late.step()

    async def doubt() -> None:
        await doubt_sessions(database)
        await count_waiting(database, stays)

    async def close() -> None:
        await close_sessions(database)

    async def remind() -> None:
        await remind_all(database)

    async def give_back(payload: bytes) -> None:
        await give_back_excess(database, payload.decode())

    async def look_at_the_day() -> None:
        await settle_days(database, zone)

    async def settle(_payload: bytes) -> None:
        await settle_all(database, zone, every, on_paid=on_paid, meters=meters)

    async def check(_payload: bytes) -> None:
        await check_ledger(database, meters)

    async def ask_for(payload: bytes) -> None:
        await ask_for_promise(database, payload.decode())

    async def ask_channels() -> None:
        await poll_channels(database, carry_payment, carry_refund)

    async def forget() -> None:
        await forget_told(database)

    async def hear_the_sandbox() -> None:
        await hear_sandbox(database, channels.sandbox, on_paid)

    return Service(
        "billing",
        loops=[
            Loop("billing.rate", rate_late, RATE_S),
            Loop("billing.doubt", doubt, DOUBT_S),
            Loop("billing.close", close, CLOSE_S),
            Loop("billing.remind", remind, SWEEP_S),
            Loop("billing.channels", ask_channels, POLL_S),
            Loop("billing.days", look_at_the_day, DAYS_S),
            Loop("billing.sandbox", hear_the_sandbox, POLL_S),
            Loop("billing.forget", forget, FORGET_S),
        ],
        jobs=[
            Job(SEND_JOB, carry_payment.handle),
            Job(DROP_JOB, carry_payment.drop),
            Job(COLLECT_JOB, Collect(database, channels, carry_payment).handle),
            Job(REFUND_JOB, carry_refund.handle),
            Job(ANNOUNCE_JOB, Announce(database, channels).handle),
            Job(CREDIT_JOB, give_back),
            Job(PROMISE_OVER, ask_for),
            Job(CONFIRM, ConfirmAgreement(database, channels, give_order).handle),
            Job(SETTLE_JOB, settle, cron=SETTLE_CRON),
            Job(READ_BILL_JOB, ReadBill(database, zone, every).handle),
            Job(CHECK_JOB, check, cron=CHECK_CRON),
        ],
    )


def _on_paid(give_order: GiveOrder) -> OnPaid:
    """Whoever stands before a barrier until it is paid, or because it was not, goes on; and the stay is over."""

    async def on_paid(tx: Tx, charge: Row) -> None:
        await barrier_paid(tx, give_order, charge)
        await close_session_of(tx, charge)
        await reconsider(tx, give_order, plate=charge["plate"], color=charge["color"])

    return on_paid
