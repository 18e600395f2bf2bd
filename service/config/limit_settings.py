"""The limits of calls to Cognito."""

from dataclasses import dataclass, replace
from typing import ClassVar

from service.config.fields import Section, integer, number, setting

RATE = number(0, 100_000)
PER_HOUR = integer(0, 1_000)


@dataclass(frozen=True, slots=True)
class LimitsConfig(Section):
    """
    How many calls are sent to Cognito, whose quotas all user pools of an account and region share.

    Further calls are refused with Retry-After. 0 is no limit.
    """

    section: ClassVar[str] = "limits"

    tasks: int = setting(
        integer(1, 1_000),
        "2",
        "The largest number of tasks (containers) that run at once. Each of tasks x workers processes "
        "takes an equal share of the next six rates, which are Cognito's default quotas "
        "(https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html).",
    )
    sign_in_per_s: float = setting(
        RATE,
        "120",
        "Sign-ins per second of all tasks; responses to challenges may be three times as many.",
    )
    sign_up_per_s: float = setting(
        RATE, "50", "Sign-ups and confirmations per second of all tasks."
    )
    recovery_per_s: float = setting(
        RATE, "30", "Forgotten, reset and changed passwords per second of all tasks."
    )
    token_per_s: float = setting(RATE, "120", "Refreshes and logouts per second of all tasks.")
    read_per_s: float = setting(
        RATE, "120", "Reads of a user's own account per second of all tasks."
    )
    update_per_s: float = setting(
        RATE,
        "25",
        "Changes of a user's own account, and codes sent again, per second of all tasks.",
    )
    burst_s: float = setting(
        number(1, 60),
        "30",
        "The burst of those six, in seconds of their rate. What exceeds Cognito's own quota is throttled "
        "there, and answered likewise.",
    )
    address_burst: int = setting(
        integer(0, 100_000),
        "1000",
        "The burst of one client address (of IPv6: one /64) in each of those categories; at most a tenth "
        "of the burst of all callers.",
    )
    address_per_s: float = setting(
        RATE, "5", "Calls per second of one client address after its burst."
    )
    account_burst: int = setting(
        integer(0, 100_000),
        "30",
        "The burst of one user name: sign-ups, sign-ins, challenges. As for the limits per hour, a call "
        "counts if it sent a code, succeeded, or failed with wrong credentials.",
    )
    account_per_min: float = setting(
        RATE,
        "6",
        "Calls per minute of one user name after its burst. At 6, less than 1 % of all six-digit codes "
        "are tried in a day.",
    )
    # Cognito's own limits of a user; of resetting, the lowest that it may choose (5 to 20).
    confirm_per_h: int = setting(
        PER_HOUR, "15", "Confirmations of one user name per hour: Cognito's own limit of a user."
    )
    resend_per_h: int = setting(
        PER_HOUR,
        "5",
        "Confirmation codes sent again to one user name per hour: Cognito's own limit.",
    )
    forgot_per_h: int = setting(
        PER_HOUR, "5", "Codes for a new password of one user name per hour: Cognito's own limit."
    )
    reset_per_h: int = setting(
        PER_HOUR,
        "5",
        "New passwords of one user name per hour, set with a code. Cognito chooses between 5 and 20.",
    )
    sign_in_code_per_h: int = setting(
        PER_HOUR,
        "10",
        "Codes sent to one user name per hour to sign in with; those after a right password are counted "
        "separately.",
    )
    recipient_per_h: int = setting(
        PER_HOUR,
        "10",
        "Calls per hour that may send a message to one e-mail address or telephone number: sign-ups, "
        "changed attributes, verifications.",
    )
    export_per_h: int = setting(
        PER_HOUR,
        "5",
        "Exports of one user's data per hour (GET /v1/user/export), counted by each process for itself.",
    )
    lockout_after: int = setting(
        integer(0, 100),
        "5",
        "Wrong passwords after which a user name is locked for 1 s, and twice as long with each further "
        "one, up to 15 minutes, whether or not the user exists. Wrong codes of challenges are counted "
        "separately, and so are networks (an IPv4 address, an IPv6 /64) from which the user signed in "
        "within 7 days, so that others cannot lock the user out.",
    )
    accounts_tracked: int = setting(
        integer(1, 10_000_000),
        "280000",
        "User names and client addresses that are tracked for each kind of call, at about 250 bytes "
        "each. Fewer than a process admits in an hour (by default 270,000 recipients of messages) let a "
        "flood of names free one that has reached its limit.",
    )

    def per_process(self, workers: int) -> "LimitsConfig":
        """Return the limits of one of *tasks* x *workers* processes: its share of the total rates."""
        share = 1 / (self.tasks * workers)
        return replace(
            self,
            sign_in_per_s=self.sign_in_per_s * share,
            sign_up_per_s=self.sign_up_per_s * share,
            recovery_per_s=self.recovery_per_s * share,
            token_per_s=self.token_per_s * share,
            read_per_s=self.read_per_s * share,
            update_per_s=self.update_per_s * share,
        )
