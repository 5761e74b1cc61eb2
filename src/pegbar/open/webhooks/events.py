"""What live clients are told of webhooks: that something about one changed, no more."""

from pegbar.core.live.events import event

WEBHOOK_NEW = event("webhook:new", "webhook_id")
WEBHOOK_UPDATE = event("webhook:update", "webhook_id")
WEBHOOK_DELETE = event("webhook:delete", "webhook_id")

__all__ = ["WEBHOOK_DELETE", "WEBHOOK_NEW", "WEBHOOK_UPDATE"]
