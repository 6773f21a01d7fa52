"""What stands in the room: facilities, people's roles, instruments, their parts and their service history."""
