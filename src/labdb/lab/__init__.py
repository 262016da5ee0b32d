"""The embedded lab: an emulated Proxmox VE whose guests are containers on this machine."""
