"""What the carrier and operators reach over HTTP: webhooks, the media socket, health."""
