using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Threading;

namespace Vcg.Bridge
{
    /// <summary>Where a link tells what it met. Called on the link's thread.</summary>
    internal interface ILinkOwner
    {
        /// <summary>The handshake is done: it can send.</summary>
        void OnConnected(Link link);

        /// <summary>A message came.</summary>
        void OnMessage(Link link, List<byte[]> frames);

        /// <summary>The link is over.</summary>
        /// <param name="link">which</param>
        /// <param name="reason">why, in words</param>
        /// <param name="fatal">an error with which trying again is of no use, or null</param>
        void OnBroken(Link link, string reason, VcgException fatal);
    }

    /// <summary>
    /// One connection to a server and the thread that connects and reads. Over when the connection is; another try is another
    /// link.
    /// </summary>
    internal sealed class Link
    {
        private const int LookMs = 20;  // how often a connecting thread looks whether it is still wanted

        private readonly Endpoint endpoint;
        private readonly VcgClientOptions options;
        private readonly ILinkOwner owner;
        private readonly Thread thread;
        private readonly object gate = new object();
        private Socket socket;
        private ZmtpStream zmtp;
        private bool closed;
        private string certificateTrouble;

        internal Link(Endpoint endpoint, VcgClientOptions options, ILinkOwner owner)
        {
            this.endpoint = endpoint;
            this.options = options;
            this.owner = owner;
            thread = new Thread(Run) { Name = "vcg link", IsBackground = true };
        }

        /// <summary>It can send. Read and written under the owner's lock.</summary>
        internal bool Connected { get; set; }

        internal void Start()
        {
            thread.Start();
        }

        /// <summary>Sends messages of one frame each. Blocks for at most the time after which a server counts as dead.</summary>
        /// <exception cref="IOException">the connection is gone, or takes no more</exception>
        internal void Send(IList<byte[]> messages)
        {
            try
            {
                zmtp.Send(messages);
            }
            catch (Exception error)
            {
                if (error is ObjectDisposedException || error is SocketException || error is InvalidOperationException)
                    throw new IOException(error.Message, error);
                throw;
            }
        }

        /// <summary>Limits what is left of sending. For the goodbye.</summary>
        internal void Hurry(int milliseconds)
        {
            lock (gate)
            {
                if (socket != null && !closed)
                    socket.SendTimeout = milliseconds;
            }
        }

        /// <summary>Ends the connection at once. The thread ends soon after; `Join` waits for it.</summary>
        internal void Close()
        {
            lock (gate)
            {
                closed = true;
                if (socket != null)
                    Shut(socket);
            }
        }

        /// <summary>Waits for the thread. True where it has ended.</summary>
        internal bool Join(int milliseconds)
        {
            if (thread == Thread.CurrentThread)
                return false;
            return thread.Join(milliseconds);
        }

        internal bool Ended
        {
            get { return !thread.IsAlive; }
        }

        private void Run()
        {
            string reason = "the connection was closed by the other side";
            VcgException fatal = null;
            bool greeted = false;
            Stream stream = null;
            try
            {
                stream = Open();
                var made = new ZmtpStream(stream);
                made.ShakeHands(options.PlainUser ?? "", options.PlainPassword ?? "");
                greeted = true;
                zmtp = made;
                owner.OnConnected(this);
                while (true)
                    owner.OnMessage(this, made.ReadMessage());
            }
            catch (LinkException error)
            {
                reason = error.Message;
                fatal = error.Fatal;
            }
            catch (Exception error)
            {
                if (!IsNetwork(error))
                    fatal = new VcgException(
                        Vocabulary.ErrorCode.Internal, error.GetType().Name + ": " + error.Message, "worth a bug report");
                else if (!greeted && stream != null)
                    reason = endpoint.Pin == null
                        ? "something else than a VCG Bridge server listens there, or it wants TLS or another kind of authentication"
                        : "something else than a VCG Bridge server listens there";
            }
            finally
            {
                Free(stream);
            }
            owner.OnBroken(this, reason, fatal);
        }

        private static bool IsNetwork(Exception error)
        {
            return error is IOException || error is SocketException || error is ObjectDisposedException
                || error is AuthenticationException || error is InvalidOperationException;
        }

        private void Free(Stream stream)
        {
            Socket mine;
            lock (gate)
            {
                closed = true;
                mine = socket;
                socket = null;
            }
            if (mine != null)
                Shut(mine);
            try
            {
                if (stream != null)
                    stream.Dispose();
            }
            catch (Exception error)
            {
                // TLS wants to say goodbye on a connection that is gone.
                if (!IsNetwork(error))
                    throw;
            }
            if (mine != null)
                mine.Close();
        }

        private static void Shut(Socket socket)
        {
            try
            {
                socket.Shutdown(SocketShutdown.Both);
            }
            catch (Exception error)
            {
                if (!IsNetwork(error))
                    throw;
            }
        }

        private Stream Open()
        {
            string trouble = "the name " + endpoint.Host + " is not known";
            foreach (IPAddress address in Addresses())
            {
                Socket made = Connect(address, ref trouble);
                if (made == null)
                    continue;
                Stream plain = new NetworkStream(made, false);
                return endpoint.Pin == null ? plain : Secure(plain);
            }
            throw new LinkException(trouble);
        }

        private IPAddress[] Addresses()
        {
            IPAddress literal;
            if (IPAddress.TryParse(endpoint.Host, out literal))
                return new[] { literal };
            try
            {
                return Dns.GetHostAddresses(endpoint.Host);
            }
            catch (SocketException)
            {
                return new IPAddress[0];
            }
        }

        /// <summary>A connected socket, or null. Does not block beyond the link's own end.</summary>
        private Socket Connect(IPAddress address, ref string trouble)
        {
            var made = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            lock (gate)
            {
                if (closed)
                {
                    made.Close();
                    throw new LinkException("the client was closed");
                }
                socket = made;
            }
            try
            {
                made.Blocking = false;
                try
                {
                    made.Connect(new IPEndPoint(address, endpoint.Port));
                }
                catch (SocketException error)
                {
                    if (error.SocketErrorCode != SocketError.WouldBlock && error.SocketErrorCode != SocketError.InProgress
                        && error.SocketErrorCode != SocketError.IOPending)
                        throw;
                }
                while (!made.Poll(LookMs * 1000, SelectMode.SelectWrite) && !made.Poll(0, SelectMode.SelectError))
                {
                    if (closed)
                        throw new LinkException("the client was closed");
                }
                var problem = (int)made.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error);
                if (problem != 0)
                    throw new SocketException(problem);
                made.Blocking = true;
                made.SendTimeout = Math.Max((int)options.Dead.TotalMilliseconds, 1000);
                lock (gate)
                {
                    if (closed)  // before there was a connection to shut
                        throw new LinkException("the client was closed");
                }
                return made;
            }
            catch (SocketException error)
            {
                trouble = error.SocketErrorCode == SocketError.ConnectionRefused
                    ? "the connection was refused" : "it cannot be reached (" + error.SocketErrorCode + ")";
                lock (gate)
                    socket = null;
                made.Close();
                return null;
            }
        }

        private Stream Secure(Stream plain)
        {
            var secure = new SslStream(plain, false, IsTrusted);
            try
            {
                secure.AuthenticateAsClient(endpoint.Host, null, SslProtocols.Tls12, false);
            }
            catch (Exception error)
            {
                secure.Dispose();
                if (certificateTrouble != null)
                    throw new LinkException(
                        certificateTrouble,
                        new VcgException(
                            Vocabulary.ErrorCode.Auth, options.Address + ": " + certificateTrouble, "nothing was sent to it"));
                if (!IsNetwork(error))
                    throw;
                throw new LinkException("what listens there does not answer in TLS");
            }
            return secure;
        }

        /// <summary>Who signed the certificate does not matter: it must be the one that is known, and not past its date.</summary>
        private bool IsTrusted(object sender, X509Certificate certificate, X509Chain chain, SslPolicyErrors errors)
        {
            if (certificate == null)
            {
                certificateTrouble = "the server has no certificate";
                return false;
            }
            if (!CertificatePin.Fits(endpoint.Pin, certificate.GetRawCertData()))
            {
                certificateTrouble = "the server's certificate is not the one that is pinned (its sha256 is "
                    + CertificatePin.Hex(Sha256.Hash(certificate.GetRawCertData())) + ")";
                return false;
            }
            var dates = new X509Certificate2(certificate);
            if (DateTime.UtcNow > dates.NotAfter.ToUniversalTime())
                certificateTrouble = "the server's certificate expired on " + dates.NotAfter.ToUniversalTime().ToString("yyyy-MM-dd");
            else if (DateTime.UtcNow < dates.NotBefore.ToUniversalTime())
                certificateTrouble = "the server's certificate is not valid before "
                    + dates.NotBefore.ToUniversalTime().ToString("yyyy-MM-dd");
            return certificateTrouble == null;
        }
    }
}
