"""When people sat at their desks: desktop logins, and the presence sheet of a month."""
