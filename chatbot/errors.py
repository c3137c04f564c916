"""One tree of errors; each message names the thing and the cure.

ChatbotError
├── SettingsError          a setting is unknown, malformed or unsafe
├── StoreError             the database refused
│   ├── StoreBusy          another writer held it too long; try again
│   ├── StoreFull          its disk is full; free some space, and it goes on by itself
│   ├── StoreUnwritable    its disk failed, or this user may not write there
│   ├── StoreDamaged       its file is no sound database any more
│   ├── StoreReplaced      its file was deleted or replaced while it was open
│   └── MigrationNeeded    the schema is older or newer than this program
├── ImportRefused          a file cannot be imported as it is; nothing was written
├── ModelError
│   ├── NoActiveModel      nothing was trained or promoted yet
│   ├── ModelDamaged       a file of a version does not match its manifest
│   └── EncoderUnavailable the encoder's files are missing or not the expected ones
├── Overloaded             more messages at once than this machine can read; try again
├── TrainingRefused        too few examples, or one intent only
├── TrainingBusy           another training run is at work
├── AgentRefused           an agent cannot be added or changed so, or a password cannot be used
├── NotNow                 somebody else has it, or it was settled meanwhile
├── ErasureRefused         what to erase is not told, or not well enough
├── ExportRefused          a filter or a file name of an export cannot be
├── BackupRefused          a backup cannot be made, or a file is none that may be restored
└── NotFound               a conversation, message or choice that is not there (or not this visitor's)
"""

from __future__ import annotations


class ChatbotError(Exception):
    """Base of every error that is meant to be read by a person."""


class SettingsError(ChatbotError):
    pass


class StoreError(ChatbotError):
    pass


class StoreBusy(StoreError):
    pass


class StoreFull(StoreError):
    pass


class StoreUnwritable(StoreError):
    pass


class StoreDamaged(StoreError):
    pass


class StoreReplaced(StoreError):
    pass


class MigrationNeeded(StoreError):
    pass


class ImportRefused(ChatbotError):
    pass


class ModelError(ChatbotError):
    pass


class NoActiveModel(ModelError):
    pass


class ModelDamaged(ModelError):
    pass


class EncoderUnavailable(ModelError):
    pass


class Overloaded(ChatbotError):
    pass


class TrainingRefused(ChatbotError):
    pass


class TrainingBusy(ChatbotError):
    pass


class AgentRefused(ChatbotError):
    pass


class ErasureRefused(ChatbotError):
    pass


class ExportRefused(ChatbotError):
    pass


class BackupRefused(ChatbotError):
    pass


class NotFound(ChatbotError):
    pass


class NotNow(ChatbotError):
    pass
