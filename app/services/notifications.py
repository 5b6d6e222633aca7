"""Telling a person: one e-mail when all retries of a record are spent, or a line in the log where no mail is set up."""

import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage

import structlog

log = structlog.get_logger(__name__)
TIMEOUT = 10.0


@dataclass(frozen=True)
class MailSettings:
    """Where e-mail goes out. `tls` is none, starttls or ssl."""

    host: str = ""
    port: int = 25
    username: str = ""
    password: str = field(default="", repr=False)
    sender: str = ""
    to: str = ""
    tls: str = "none"


def tell_spent(mail: MailSettings, resource: str, record_id: str, reason: str) -> None:
    """Say that a record could not be synced. Mail that cannot be sent is logged and never stops the sync."""
    if not (mail.host and mail.to):
        log.error("sync_gave_up", resource=resource, record=record_id, reason=reason, mail="not set up")
        return
    try:
        _send(mail, _message(mail, resource, record_id, reason))
    except (OSError, smtplib.SMTPException) as error:
        log.error("mail_not_sent", resource=resource, record=record_id, error=type(error).__name__)  # noqa: TRY400
        return
    log.info("mail_sent", resource=resource, record=record_id)


def _message(mail: MailSettings, resource: str, record_id: str, reason: str) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = f"crm-sync: {resource}/{record_id} could not be synced"
    message["From"] = mail.sender or mail.to
    message["To"] = mail.to
    message.set_content(
        f"All retries are spent for {resource}/{record_id}.\n\n"
        f"The last answer: {reason}\n\n"
        f"It is still tried once an hour. To try now: POST /{resource}/{record_id}/sync, or flask sync retry.\n"
    )
    return message


def _send(mail: MailSettings, message: EmailMessage) -> None:
    context = ssl.create_default_context()
    if mail.tls == "ssl":
        server: smtplib.SMTP = smtplib.SMTP_SSL(mail.host, mail.port, timeout=TIMEOUT, context=context)
    else:
        server = smtplib.SMTP(mail.host, mail.port, timeout=TIMEOUT)
    with server:
        if mail.tls == "starttls":
            server.starttls(context=context)
        if mail.username:
            server.login(mail.username, mail.password)
        server.send_message(message)
