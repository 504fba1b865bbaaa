"""Pictures: cameras, the room, clothes, the renderer, and what is hidden from whom."""
