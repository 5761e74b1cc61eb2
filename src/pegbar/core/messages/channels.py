"""The channels by which persons may want messages: the one list of them."""

from pegbar.core.messages.channel import Channel
from pegbar.core.messages.discord import Discord
from pegbar.core.messages.mail import ByMail
from pegbar.core.messages.mattermost import Mattermost
from pegbar.core.messages.slack import Slack

CHANNELS: dict[str, type[Channel]] = {channel.name: channel for channel in (ByMail, Slack, Mattermost, Discord)}
